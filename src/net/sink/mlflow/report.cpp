#include "net/sink/mlflow/report.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "core/dates.hpp"
#include "core/error.hpp"
#include "net/sink/kind.hpp"
#include "net/text/text.hpp"

namespace kpi::net::mlflow {
namespace {

using nlohmann::json;

// Characters, as MLflow counts.
constexpr size_t kMostName = 250, kMostParam = 6000, kMostTag = 8000;
// Of one log-batch. One tag of each is kpi.logged.
constexpr size_t kMostMetrics = 1000, kMostParams = 100, kMostTags = 99, kMostItems = 999;
constexpr size_t kMostBytes = 1'000'000, kEnvelope = 2'000;

constexpr std::array<std::string_view, 8> kFields = {
    "report_key", "run_name", "start_time", "end_time", "status", "metrics", "params", "tags"};

[[noreturn]] void refuse(std::string what, std::string hint = {}) {
    throw Error("22023", std::move(what), {}, std::move(hint));
}

void check_length(std::string_view what, std::string_view text, size_t most) {
    if (characters(text) > most)
        refuse(fmt::format("{} of an mlflow message is longer than {} characters", what, most));
}

std::string text_field(const json &body, const char *name) {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null()) return {};
    if (!found->is_string())
        refuse(fmt::format("\"{}\" of an mlflow message must be a text", name));
    std::string text = found->get<std::string>();
    check_length(fmt::format("\"{}\"", name), text, kMostName);
    return text;
}

std::optional<int64_t> time_field(const json &object, const char *name) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return std::nullopt;
    std::optional<int64_t> time;
    if (found->is_number_integer()) time = found->get<int64_t>();
    if (found->is_string())
        if (const auto instant = parse_instant(found->get<std::string>()))
            time = unix_milliseconds(*instant);
    if (!time || *time < 0)
        refuse(fmt::format("\"{}\" of an mlflow message is no time since 1970", name),
               "Give an ISO timestamp, as to_jsonb(now()) makes it, or milliseconds since 1970.");
    return time;
}

// Letters beyond ASCII are left to the server, which knows them all.
void check_name(std::string_view what, const std::string &name) {
    check_length(what, name, kMostName);
    const auto fits = [](char c) {
        return is_alphanumeric(c) || static_cast<unsigned char>(c) >= 0x80 ||
               std::string_view("_-. :/").find(c) != std::string_view::npos;
    };
    if (!std::all_of(name.begin(), name.end(), fits) || !is_mlflow_path(name))
        refuse(fmt::format("\"{}\" cannot be {} in MLflow", excerpt(name), what),
               "It holds letters, digits, spaces and _ - . : / and reads as a path: nothing empty "
               "between slashes, no dots alone.");
}

json metric_value(const std::string &name, const json &value) {
    if (value.is_number()) return value.get<double>();
    // As PostgreSQL writes them in JSON.
    if (value == "NaN" || value == "Infinity" || value == "-Infinity") return value;
    refuse(fmt::format("the value of metric \"{}\" is no number", excerpt(name)),
           "\"NaN\", \"Infinity\" and \"-Infinity\" are numbers too; null is left out.");
}

json metric(const json &given) {
    if (!given.is_object() || !given.value("key", json()).is_string())
        refuse("a metric of an mlflow message has no key",
               "Give {name: number, ...} or [{\"key\", \"value\", \"timestamp\", \"step\"}, ...].");
    for (const auto &[field, value] : given.items())
        if (field != "key" && field != "value" && field != "timestamp" && field != "step")
            refuse(fmt::format("a metric of an mlflow message has no \"{}\"", excerpt(field)));
    const auto name = given["key"].get<std::string>();
    check_name("the name of a metric", name);
    const json step = given.value("step", json(0));
    if (!step.is_number_integer())
        refuse(fmt::format("the step of metric \"{}\" is no whole number", excerpt(name)));
    json result = {{"key", name}, {"step", step}};
    result["value"] = metric_value(name, given.value("value", json()));
    if (const auto time = time_field(given, "timestamp")) result["timestamp"] = *time;
    return result;
}

std::vector<json> metrics_of(const json &given) {
    std::vector<json> result;
    if (given.is_object()) {
        for (const auto &[name, value] : given.items())
            if (!value.is_null()) result.push_back(metric({{"key", name}, {"value", value}}));
    } else if (given.is_array()) {
        for (const json &one : given)
            if (!one.is_object() || !one.value("value", json(0)).is_null())
                result.push_back(metric(one));
    } else if (!given.is_null()) {
        refuse("\"metrics\" of an mlflow message must be an object or an array");
    }
    return result;
}

std::vector<json> texts_of(const json &body, const char *field, size_t most) {
    const json given = body.value(field, json());
    if (given.is_null()) return {};
    if (!given.is_object())
        refuse(fmt::format("\"{}\" of an mlflow message must be an object", field));
    const std::string what(field, std::string_view(field).size() - 1);  // params: param
    std::vector<json> result;
    for (const auto &[name, value] : given.items()) {
        if (value.is_null()) continue;
        check_name(fmt::format("the name of a {}", what), name);
        if (name == kReportKeyTag || name == kLoggedTag)
            refuse(fmt::format("\"{}\" is a tag of the sink's own", name),
                   "Give \"report_key\" beside \"tags\".");
        if (value.is_structured())
            refuse(fmt::format("the value of {} \"{}\" is no text", what, excerpt(name)));
        std::string text = value.is_string() ? value.get<std::string>() : value.dump();
        check_length(fmt::format("the value of {} \"{}\"", what, excerpt(name)), text, most);
        result.push_back({{"key", name}, {"value", std::move(text)}});
    }
    return result;
}

struct Batch {
    json metrics = json::array(), params = json::array(), tags = json::array();
    size_t bytes = kEnvelope;
};

// Into the first batch that has room.
void place(std::vector<Batch> &batches, json Batch::*list, size_t most, json item) {
    const size_t bytes = item.dump().size() + 1;
    for (Batch &batch : batches) {
        const size_t items = batch.metrics.size() + batch.params.size() + batch.tags.size();
        if ((batch.*list).size() >= most || items >= kMostItems || batch.bytes + bytes > kMostBytes)
            continue;
        (batch.*list).push_back(std::move(item));
        batch.bytes += bytes;
        return;
    }
    Batch &batch = batches.emplace_back();
    (batch.*list).push_back(std::move(item));
    batch.bytes += bytes;
}

}  // namespace

bool is_mlflow_path(std::string_view name) {
    if (name.starts_with("..")) return false;
    for (size_t from = 0; from <= name.size();) {
        const size_t slash = std::min(name.find('/', from), name.size());
        const std::string_view part = name.substr(from, slash - from);
        if (part.empty() || part == "." || part == "..") return false;
        from = slash + 1;
    }
    return true;
}

std::string mlflow_filter(const std::string &report_key) {
    const bool single = report_key.find('\'') != std::string::npos;
    if (single && report_key.find('"') != std::string::npos)
        refuse("the report_key holds both ' and \"", "MLflow cannot search for such a text.");
    const char quote = single ? '"' : '\'';
    return fmt::format("tags.`{}` = {}{}{}", kReportKeyTag, quote, report_key, quote);
}

MlflowReport mlflow_report(const Message &message) {
    const json body = parsed(message);
    for (const auto &[key, value] : body.items())
        if (std::find(kFields.begin(), kFields.end(), key) == kFields.end())
            refuse(fmt::format("an mlflow message has no \"{}\"", excerpt(key)),
                   fmt::format("It has {}.", fmt::join(kFields, ", ")));
    MlflowReport report;
    report.key = text_field(body, "report_key");
    if (report.key.empty()) report.key = message.idempotency_key;
    (void)mlflow_filter(report.key);
    report.run_name = text_field(body, "run_name");
    if (const std::string status = text_field(body, "status"); !status.empty())
        report.status = status;
    if (report.status != "FINISHED" && report.status != "FAILED" && report.status != "KILLED")
        refuse("the status of an mlflow message must be FINISHED, FAILED or KILLED",
               "A message is a whole run, which ends with it.");
    report.start_time = time_field(body, "start_time");
    report.end_time = time_field(body, "end_time");
    report.metrics = metrics_of(body.value("metrics", json()));
    report.params = texts_of(body, "params", kMostParam);
    report.tags = texts_of(body, "tags", kMostTag);
    return report;
}

std::vector<std::string> mlflow_batches(const MlflowReport &report, const std::string &run_id,
                                        int64_t time, const std::string &writer) {
    std::vector<Batch> batches;
    for (const json &param : report.params) place(batches, &Batch::params, kMostParams, param);
    for (const json &tag : report.tags) place(batches, &Batch::tags, kMostTags, tag);
    for (json metric : report.metrics) {
        if (!metric.contains("timestamp")) metric["timestamp"] = time;
        place(batches, &Batch::metrics, kMostMetrics, std::move(metric));
    }
    std::vector<std::string> bodies;
    for (Batch &batch : batches) {
        batch.tags.push_back(
            {{"key", kLoggedTag}, {"value", fmt::format("{} {}", bodies.size() + 1, writer)}});
        bodies.push_back(json{{"run_id", run_id},
                              {"metrics", std::move(batch.metrics)},
                              {"params", std::move(batch.params)},
                              {"tags", std::move(batch.tags)}}
                             .dump());
    }
    return bodies;
}

size_t mlflow_logged(std::string_view tag, std::string_view writer) {
    size_t count = 0;
    const char *end = tag.data() + tag.size();
    const auto [rest, fault] = std::from_chars(tag.data(), end, count);
    if (fault != std::errc() || rest == end || *rest != ' ') return 0;
    return tag.substr(size_t(rest - tag.data()) + 1) == writer ? count : 0;
}

// The answer is indented, with everything beyond ASCII as \uXXXX, and has the last point of each
// metric. The sums were compared with a server's answers.
int64_t mlflow_answer_bytes(const MlflowReport &report) {
    constexpr size_t kRun = 4'000, kMetric = 200, kText = 90;
    const auto escaped = [](const json &text) { return text.dump(-1, ' ', true).size(); };
    size_t bytes = kRun + escaped(report.key);
    std::set<std::string_view> seen;
    for (const json &metric : report.metrics)
        if (seen.insert(metric["key"].get_ref<const std::string &>()).second)
            bytes += kMetric + escaped(metric["key"]);
    for (const std::vector<json> *list : {&report.params, &report.tags})
        for (const json &one : *list) bytes += kText + escaped(one["key"]) + escaped(one["value"]);
    return int64_t(bytes);
}

}  // namespace kpi::net::mlflow
