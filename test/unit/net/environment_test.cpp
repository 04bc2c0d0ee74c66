#include "net/sink/environment.hpp"

#include <map>

#include <gtest/gtest.h>

#include "net/sink/kind.hpp"

namespace {

using kpi::net::Environment;
using kpi::net::FoundSink;
using kpi::net::sinks_in;
using nlohmann::json;

using Texts = std::map<std::string, std::string>;

std::vector<FoundSink> found(const Texts &variables, const Texts &files = {},
                             const std::string &directory = {}) {
    const auto in = [](const Texts &texts) {
        return [texts](const std::string &name) {
            const auto at = texts.find(name);
            return at == texts.end() ? std::string() : at->second;
        };
    };
    return sinks_in({in(variables), in(files), directory});
}

FoundSink only(const Texts &variables, const Texts &files = {}, const std::string &directory = {}) {
    auto sinks = found(variables, files, directory);
    EXPECT_EQ(sinks.size(), 1);
    return sinks.empty() ? FoundSink() : sinks.front();
}

const Texts kBucket = {{"KPI_REPORTS_S3_BUCKET", "reports"}};

Texts with(Texts texts, const Texts &more) {
    texts.insert(more.begin(), more.end());
    return texts;
}

TEST(Environment, NothingSetNothingFound) { EXPECT_TRUE(found({{"HOME", "/root"}}).empty()); }

TEST(Environment, SlackNeedsBoth) {
    for (const char *word : {"true", "True", "1", "yes", "ON"}) {
        const FoundSink sink =
            only({{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/x"}, {"ENABLE_SLACK", word}});
        EXPECT_EQ(sink.name, "slack");
        EXPECT_EQ(sink.url, "env:SLACK_WEBHOOK_URL") << "the URL is a secret";
        EXPECT_EQ(sink.skipped, "");
    }
    for (const char *word : {"", "false", "0", "no", "off", "maybe"})
        EXPECT_EQ(only({{"SLACK_WEBHOOK_URL", "https://x"}, {"ENABLE_SLACK", word}}).skipped,
                  "ENABLE_SLACK is not true");
    EXPECT_EQ(only({{"ENABLE_SLACK", "true"}}).skipped, "SLACK_WEBHOOK_URL is not set");
    EXPECT_TRUE(found({{"ENABLE_SLACK", "false"}}).empty());
}

TEST(Environment, PushgatewayWithAndWithoutScheme) {
    EXPECT_EQ(only({{"PUSHGATEWAY_URL", "https://push.example.com"}}).url, "env:PUSHGATEWAY_URL");
    EXPECT_EQ(only({{"PUSHGATEWAY_URL", "pushgateway:9091"}}).url, "http://pushgateway:9091");
}

TEST(Environment, KeysOfTheEnvironmentComeFirst) {
    const Texts keys = {{"AWS_ACCESS_KEY_ID", "AKIA"},
                        {"AWS_SECRET_ACCESS_KEY", "s"},
                        {"AWS_SESSION_TOKEN", "t"},
                        {"KPI_REPORTS_S3_PREFIX", "kpi/"},
                        {"AWS_REGION", "eu-west-1"},
                        {"AWS_DEFAULT_REGION", "us-west-2"},
                        {"HOME", "/h"},
                        {"AWS_PROFILE", "ops"}};
    const Texts files = {
        {"/h/.aws/credentials", "[ops]\naws_access_key_id=B\naws_secret_access_key=C\n"}};
    const FoundSink sink = only(with(kBucket, keys), files);
    EXPECT_EQ(sink.skipped, "");
    EXPECT_EQ(sink.kind, "s3");
    EXPECT_EQ(sink.options,
              json({{"bucket", "reports"}, {"prefix", "kpi/"}, {"region", "eu-west-1"}}));
    EXPECT_EQ(sink.secret, json({{"access_key_id", "env:AWS_ACCESS_KEY_ID"},
                                 {"secret_access_key", "env:AWS_SECRET_ACCESS_KEY"},
                                 {"session_token", "env:AWS_SESSION_TOKEN"}}));
}

TEST(Environment, ThenTheProfilesOfTheFiles) {
    Texts files = {{"/h/.aws/credentials",
                    "[default]\naws_access_key_id=A\naws_secret_access_key=B\n"
                    "[ops]\naws_access_key_id=C\naws_secret_access_key=D\naws_session_token=E\n"},
                   {"/h/.aws/config",
                    "[profile ops]\nregion = eu-south-1\naws_access_key_id=F\n"
                    "aws_secret_access_key=G\n"}};
    FoundSink sink = only(with(kBucket, {{"HOME", "/h"}}), files);
    EXPECT_EQ(sink.secret["secret_access_key"],
              "ini:/h/.aws/credentials#default#aws_secret_access_key");
    EXPECT_FALSE(sink.secret.contains("session_token"));
    EXPECT_FALSE(sink.options.contains("region"));
    // One half of a pair counts for nothing.
    sink = only(with(kBucket, {{"HOME", "/h"}, {"AWS_PROFILE", "ops"}, {"AWS_ACCESS_KEY_ID", "x"}}),
                files);
    EXPECT_EQ(sink.secret["session_token"], "ini:/h/.aws/credentials#ops#aws_session_token");
    EXPECT_EQ(sink.options["region"], "eu-south-1");
    files.erase("/h/.aws/credentials");
    sink = only(with(kBucket, {{"HOME", "/h"}, {"AWS_PROFILE", "ops"}}), files);
    EXPECT_EQ(sink.secret["access_key_id"], "ini:/h/.aws/config#profile ops#aws_access_key_id");
    sink = only(with(kBucket, {{"AWS_SHARED_CREDENTIALS_FILE", "/k"}, {"HOME", "/h"}}),
                {{"/k", "[default]\naws_access_key_id=A\naws_secret_access_key=B"}});
    EXPECT_EQ(sink.secret["access_key_id"], "ini:/k#default#aws_access_key_id");
}

TEST(Environment, S3WithoutKeysOrBucketIsSkipped) {
    EXPECT_NE(only(with(kBucket, {{"HOME", "/h"}})).skipped.find("no keys"), std::string::npos);
    EXPECT_EQ(only({{"KPI_REPORTS_S3_PREFIX", "p"}}).skipped, "KPI_REPORTS_S3_BUCKET is not set");
}

TEST(Environment, EndpointOfAnotherService) {
    const Texts keys = with(kBucket, {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}});
    EXPECT_EQ(only(keys).url, "");
    const Texts general = with(keys, {{"AWS_ENDPOINT_URL", "http://minio:9000"}});
    EXPECT_EQ(only(general).url, "http://minio:9000");
    EXPECT_EQ(only(with(general, {{"AWS_ENDPOINT_URL_S3", "http://s3:9000"}})).url,
              "http://s3:9000");
}

TEST(Environment, AzureIsABlobContainer) {
    const Texts all = {{"KPI_REPORTS_ADLS_SHARE", "reports"},
                       {"KPI_REPORTS_ADLS_PATH", "a/b"},
                       {"AZURE_STORAGE_CONNECTION_STRING", "AccountName=x"}};
    const FoundSink sink = only(all);
    EXPECT_EQ(sink.kind, "azure_blob");
    EXPECT_EQ(sink.options, json({{"container", "reports"}, {"prefix", "a/b"}}));
    EXPECT_EQ(sink.secret, json({{"connection_string", "env:AZURE_STORAGE_CONNECTION_STRING"}}));
    EXPECT_EQ(only({{"KPI_REPORTS_ADLS_SHARE", "r"}}).skipped,
              "AZURE_STORAGE_CONNECTION_STRING is not set");
    EXPECT_EQ(only({{"KPI_REPORTS_ADLS_PATH", "r"}}).skipped, "KPI_REPORTS_ADLS_SHARE is not set");
    EXPECT_TRUE(found({{"AZURE_STORAGE_CONNECTION_STRING", "AccountName=x"}}).empty());
}

TEST(Environment, ADirectoryMustBeAllowed) {
    EXPECT_EQ(only({{"KPI_REPORTS_DIR", "/srv/kpi/"}}, {}, "/srv/kpi").options, json::object());
    EXPECT_EQ(only({{"KPI_REPORTS_DIR", "/srv/kpi/daily"}}, {}, "/srv/").options,
              json({{"directory", "kpi/daily"}}));
    EXPECT_EQ(only({{"KPI_REPORTS_DIR", "/a/b"}}, {}, "/").options, json({{"directory", "a/b"}}));
    for (const char *elsewhere : {"/srv/kpi2", "/srv/kp", "/srv/kpi/other"})
        EXPECT_EQ(only({{"KPI_REPORTS_DIR", "/srv/kpi"}}, {}, elsewhere).skipped,
                  std::string("KPI_REPORTS_DIR is /srv/kpi, which is not in kpi.file_directory: "
                              "set it to ") +
                      elsewhere + " or to a folder below it");
    EXPECT_EQ(only({{"KPI_REPORTS_DIR", "/srv/kpi"}}).skipped,
              "kpi.file_directory is not set: set it to /srv/kpi, which is KPI_REPORTS_DIR, or to "
              "a folder above it");
}

// As in the old stack; but nobody who sets no folder gets files.
TEST(Environment, TheDirectoryIsTmpByDefault) {
    EXPECT_EQ(only({}, {}, "/tmp").options, json::object());
    EXPECT_EQ(only({}, {}, "/").options, json({{"directory", "tmp"}}));
    EXPECT_EQ(only({}, {}, "/srv").skipped,
              "KPI_REPORTS_DIR, which is not set, is /tmp, which is not in kpi.file_directory: set "
              "it to /srv or to a folder below it");
    EXPECT_TRUE(found({}).empty());
}

TEST(Environment, MlflowIsAServer) {
    const Texts url = {{"MLFLOW_TRACKING_URI", "https://mlflow.example.com"}};
    EXPECT_EQ(only(url).url, "env:MLFLOW_TRACKING_URI");
    const FoundSink sink = only(with(url, {{"MLFLOW_KPI_EXPERIMENT_NAME", "kpis"},
                                           {"MLFLOW_TRACKING_USERNAME", "u"},
                                           {"MLFLOW_TRACKING_PASSWORD", "p"}}));
    EXPECT_EQ(sink.options, json({{"experiment", "kpis"}}));
    EXPECT_EQ(sink.secret, json({{"username", "env:MLFLOW_TRACKING_USERNAME"},
                                 {"password", "env:MLFLOW_TRACKING_PASSWORD"}}));
    for (const char *local : {"file:/tmp/mlruns", "sqlite:///x.db", "databricks", "/mlruns"})
        EXPECT_NE(only({{"MLFLOW_TRACKING_URI", local}}).skipped.find("not the http"),
                  std::string::npos);
    EXPECT_EQ(only({{"MLFLOW_KPI_EXPERIMENT_NAME", "kpis"}}).skipped,
              "MLFLOW_TRACKING_URI is not set");
}

// Names of options and secrets are those that the kinds know.
TEST(Environment, WhatIsFoundCanBeAdded) {
    const Texts all = {{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/x"},
                       {"ENABLE_SLACK", "true"},
                       {"PUSHGATEWAY_URL", "pushgateway:9091"},
                       {"KPI_REPORTS_S3_BUCKET", "reports"},
                       {"AWS_ACCESS_KEY_ID", "A"},
                       {"AWS_SECRET_ACCESS_KEY", "s"},
                       {"AWS_SESSION_TOKEN", "t"},
                       {"KPI_REPORTS_ADLS_SHARE", "reports"},
                       {"AZURE_STORAGE_CONNECTION_STRING", "AccountName=x"},
                       {"KPI_REPORTS_DIR", "/srv/kpi/daily"},
                       {"MLFLOW_TRACKING_URI", "http://mlflow:5000"},
                       {"MLFLOW_KPI_EXPERIMENT_NAME", "kpis"},
                       {"MLFLOW_TRACKING_USERNAME", "u"},
                       {"MLFLOW_TRACKING_PASSWORD", "p"}};
    const auto sinks = found(all, {}, "/srv");
    EXPECT_EQ(sinks.size(), 6);
    for (const FoundSink &sink : sinks) {
        const kpi::net::Kind &kind = kpi::net::kind(sink.kind);
        kpi::net::Sink made{sink.name, sink.kind, sink.url, sink.options, sink.secret, "/srv"};
        // As kpi.add_sink does: every reference here is a variable.
        const auto resolve = [&](const std::string &text) {
            return text.starts_with("env:") ? all.at(text.substr(4)) : text;
        };
        made.url = resolve(sink.url);
        for (auto &[name, value] : made.secret.items()) value = resolve(value.get<std::string>());
        if (kind.check_sink != nullptr) {
            EXPECT_NO_THROW(kind.check_sink(made)) << sink.name;
        }
        for (const auto &[name, value] : sink.secret.items())
            EXPECT_NE(std::find(kind.secrets.begin(), kind.secrets.end(), name), kind.secrets.end())
                << sink.name << " " << name;
    }
}

}  // namespace
