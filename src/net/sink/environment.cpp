#include "net/sink/environment.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/ini.hpp"
#include "net/text/text.hpp"

namespace kpi::net {
namespace {

class Reader {
public:
    explicit Reader(const Environment &environment) : environment_(environment) {}

    std::string value(const std::string &name) const { return environment_.variable(name); }
    bool has(const std::string &name) const { return !value(name).empty(); }
    // The value of the first of them that is set.
    std::string first(std::initializer_list<const char *> names) const {
        for (const char *name : names)
            if (std::string text = value(name); !text.empty()) return text;
        return {};
    }
    std::string file(const std::string &path) const { return environment_.file(path); }
    const std::string &file_directory() const { return environment_.file_directory; }

private:
    const Environment &environment_;
};

using Found = std::vector<FoundSink>;

std::string reference(const std::string &variable) { return "env:" + variable; }

bool has_scheme(std::string_view url) { return url.find("://") != std::string_view::npos; }

bool is_http(std::string_view url) {
    return url.starts_with("http://") || url.starts_with("https://");
}

std::string without_slashes_behind(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

void set_unless_empty(nlohmann::json &options, const char *name, std::string value) {
    if (!value.empty()) options[name] = std::move(value);
}

bool is_true(const std::string &text) {
    constexpr std::array<std::string_view, 6> kWords = {"true", "t", "1", "yes", "y", "on"};
    const std::string word = lower(text);
    for (const std::string_view known : kWords)
        if (word == known) return true;
    return false;
}

void slack(const Reader &reader, Found &found) {
    const bool enabled = is_true(reader.value("ENABLE_SLACK"));
    if (!reader.has("SLACK_WEBHOOK_URL") && !enabled) return;
    FoundSink &sink = found.emplace_back();
    sink.name = sink.kind = "slack";
    sink.url = reference("SLACK_WEBHOOK_URL");
    if (!enabled)
        sink.skipped = "ENABLE_SLACK is not true";
    else if (!reader.has("SLACK_WEBHOOK_URL"))
        sink.skipped = "SLACK_WEBHOOK_URL is not set";
}

void pushgateway(const Reader &reader, Found &found) {
    const std::string url = reader.value("PUSHGATEWAY_URL");
    if (url.empty()) return;
    FoundSink &sink = found.emplace_back();
    sink.name = sink.kind = "pushgateway";
    // Prometheus' clients take host:port for a URL.
    sink.url = has_scheme(url) ? reference("PUSHGATEWAY_URL") : "http://" + url;
}

struct Profile {
    std::string name, credentials, config;  // paths of the files; empty: unknown
    // "profile NAME" in the config file, but for the default.
    std::string config_section() const { return name == "default" ? name : "profile " + name; }
};

Profile aws_profile(const Reader &reader) {
    Profile profile;
    profile.name = reader.first({"AWS_PROFILE", "AWS_DEFAULT_PROFILE"});
    if (profile.name.empty()) profile.name = "default";
    const std::string home = reader.value("HOME");
    profile.credentials = reader.value("AWS_SHARED_CREDENTIALS_FILE");
    profile.config = reader.value("AWS_CONFIG_FILE");
    if (profile.credentials.empty() && !home.empty())
        profile.credentials = home + "/.aws/credentials";
    if (profile.config.empty() && !home.empty()) profile.config = home + "/.aws/config";
    return profile;
}

// False: the section of the file has no keys.
bool take_keys(const Reader &reader, const std::string &path, const std::string &section,
               nlohmann::json &secret) {
    // '#' separates the parts of the reference.
    if (!path.starts_with('/') || path.find('#') != std::string::npos) return false;
    const std::string text = reader.file(path);
    if (ini_value(text, section, "aws_access_key_id").empty() ||
        ini_value(text, section, "aws_secret_access_key").empty())
        return false;
    const auto place = [&](const char *key) {
        return fmt::format("ini:{}#{}#{}", path, section, key);
    };
    secret["access_key_id"] = place("aws_access_key_id");
    secret["secret_access_key"] = place("aws_secret_access_key");
    if (!ini_value(text, section, "aws_session_token").empty())
        secret["session_token"] = place("aws_session_token");
    return true;
}

bool take_aws_keys(const Reader &reader, const Profile &profile, nlohmann::json &secret) {
    if (reader.has("AWS_ACCESS_KEY_ID") && reader.has("AWS_SECRET_ACCESS_KEY")) {
        secret["access_key_id"] = reference("AWS_ACCESS_KEY_ID");
        secret["secret_access_key"] = reference("AWS_SECRET_ACCESS_KEY");
        if (reader.has("AWS_SESSION_TOKEN"))
            secret["session_token"] = reference("AWS_SESSION_TOKEN");
        return true;
    }
    return take_keys(reader, profile.credentials, profile.name, secret) ||
           take_keys(reader, profile.config, profile.config_section(), secret);
}

void s3(const Reader &reader, Found &found) {
    const std::string bucket = reader.value("KPI_REPORTS_S3_BUCKET");
    const std::string prefix = reader.value("KPI_REPORTS_S3_PREFIX");
    if (bucket.empty() && prefix.empty()) return;
    FoundSink &sink = found.emplace_back();
    sink.name = "reports_s3";
    sink.kind = "s3";
    if (bucket.empty()) {
        sink.skipped = "KPI_REPORTS_S3_BUCKET is not set";
        return;
    }
    const Profile profile = aws_profile(reader);
    sink.url = reader.first({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
    sink.options["bucket"] = bucket;
    set_unless_empty(sink.options, "prefix", prefix);
    std::string region = reader.first({"AWS_REGION", "AWS_DEFAULT_REGION"});
    if (region.empty() && profile.config.starts_with('/'))
        region = ini_value(reader.file(profile.config), profile.config_section(), "region");
    set_unless_empty(sink.options, "region", region);
    if (!take_aws_keys(reader, profile, sink.secret))
        sink.skipped = fmt::format(
            "no keys: neither AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY nor profile \"{}\" of "
            "a file of AWS's tools (roles of machines and containers are not used)",
            profile.name);
}

void adls(const Reader &reader, Found &found) {
    const std::string share = reader.value("KPI_REPORTS_ADLS_SHARE");
    const std::string path = reader.value("KPI_REPORTS_ADLS_PATH");
    const bool keys = reader.has("AZURE_STORAGE_CONNECTION_STRING");
    // The connection string alone may be there for something else.
    if (share.empty() && path.empty()) return;
    FoundSink &sink = found.emplace_back();
    sink.name = "reports_adls";
    // On a storage account with a hierarchical namespace a filesystem is a container.
    sink.kind = "azure_blob";
    sink.options["container"] = share;
    set_unless_empty(sink.options, "prefix", path);
    sink.secret["connection_string"] = reference("AZURE_STORAGE_CONNECTION_STRING");
    if (share.empty())
        sink.skipped = "KPI_REPORTS_ADLS_SHARE is not set";
    else if (!keys)
        sink.skipped = "AZURE_STORAGE_CONNECTION_STRING is not set";
}

void directory(const Reader &reader, Found &found) {
    std::string wanted = without_slashes_behind(reader.value("KPI_REPORTS_DIR"));
    const std::string root = without_slashes_behind(reader.file_directory());
    const bool is_set = !wanted.empty();
    // Without kpi.file_directory nobody has asked for files.
    if (!is_set && root.empty()) return;
    if (!is_set) wanted = "/tmp";
    FoundSink &sink = found.emplace_back();
    sink.name = "reports_dir";
    sink.kind = "file";
    const std::string below = root == "/" ? root : root + "/";
    if (root.empty())
        sink.skipped = "kpi.file_directory is not set: set it to " + wanted +
                       ", which is KPI_REPORTS_DIR, or to a folder above it";
    else if (wanted != root && !wanted.starts_with(below))
        sink.skipped = fmt::format(
            "KPI_REPORTS_DIR{} is {}, which is not in kpi.file_directory: set it to {} or to a "
            "folder below it",
            is_set ? "" : ", which is not set,", wanted, root);
    else if (wanted != root)
        sink.options["directory"] = wanted.substr(below.size());
}

void mlflow(const Reader &reader, Found &found) {
    const std::string url = reader.value("MLFLOW_TRACKING_URI");
    const std::string experiment = reader.value("MLFLOW_KPI_EXPERIMENT_NAME");
    if (url.empty() && experiment.empty()) return;
    FoundSink &sink = found.emplace_back();
    sink.name = sink.kind = "mlflow";
    sink.url = reference("MLFLOW_TRACKING_URI");
    set_unless_empty(sink.options, "experiment", experiment);
    if (reader.has("MLFLOW_TRACKING_TOKEN")) {
        sink.secret["token"] = reference("MLFLOW_TRACKING_TOKEN");
    } else if (reader.has("MLFLOW_TRACKING_USERNAME")) {
        sink.secret["username"] = reference("MLFLOW_TRACKING_USERNAME");
        if (reader.has("MLFLOW_TRACKING_PASSWORD"))
            sink.secret["password"] = reference("MLFLOW_TRACKING_PASSWORD");
    }
    if (url.empty())
        sink.skipped = "MLFLOW_TRACKING_URI is not set";
    else if (!is_http(url))
        sink.skipped = "MLFLOW_TRACKING_URI is not the http:// or https:// URL of a server";
}

}  // namespace

std::vector<FoundSink> sinks_in(const Environment &environment) {
    const Reader reader(environment);
    Found found;
    slack(reader, found);
    pushgateway(reader, found);
    s3(reader, found);
    adls(reader, found);
    directory(reader, found);
    mlflow(reader, found);
    return found;
}

}  // namespace kpi::net
