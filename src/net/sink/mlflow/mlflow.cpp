// mlflow: a run of an experiment in MLflow's tracking server, with metrics, parameters and tags.
//
// The URL is the tracking URI, http or https. Options: experiment ("kpi"; made when it does not
// exist), restore (a deleted experiment is restored; else the message is dead), run_name (of
// messages without one; MLflow makes one up when there is none). Secrets: username and password, or
// token.
//
// The message is a whole run: {"report_key", "run_name", "status", "start_time", "end_time",
// "metrics", "params", "tags"}, all optional. metrics: {name: number} or [{"key", "value",
// "timestamp", "step"}]; params and tags: {name: text}. What is null is left out. status: FINISHED,
// FAILED or KILLED. Times are ISO texts (without an offset: UTC) or milliseconds; the run begins
// and ends when it is sent unless the message says otherwise, and a metric without a timestamp has
// the start of its run. "NaN", "Infinity" and "-Infinity" are numbers; MLflow keeps infinity as
// 1.8e308. Content is uploaded to the run as the artifact object_key, where the server itself
// keeps artifacts (--serve-artifacts, its default).
//
// report_key names the run: a second message with the same one changes nothing once the run has
// ended. When absent it is the message's idempotency key. It is the tag kpi.report_key.
//
// Sending again leaves the same state. MLflow appends metrics, so what a run holds must be known:
// - The run is looked for by its report_key before one is made. An ended run is left alone: the end
//   is written last.
// - Each batch carries its number in the tag kpi.logged. Servers write parameters, metrics and tags
//   in this order, so a batch whose tag is there is there as a whole and is skipped.
// - A batch of which a part may be there is sent again with the same times (those of the run, read
//   back from it). Parameters and tags may be written twice; for a metric the same name, time, step
//   and value is one row in MLflow's databases. Only its old file store would keep it twice.
// Of several runs with the key, the oldest is taken. Two messages with one key that are sent at
// the same time may each make a run: queue them with one group_key. A request that the server
// carries out after we gave it up may leave an empty run beside the right one.
// Result: {"run_id", "experiment_id"}.
// Sources: MLflow's REST API reference, and MLflow's server 3.17.
#include <memory>

#include <fmt/format.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"
#include "net/sink/mlflow/report.hpp"
#include "net/text/text.hpp"
#include "net/wire/answer.hpp"

namespace kpi::net::mlflow {
namespace {

using nlohmann::json;

constexpr std::string_view kServedArtifacts = "mlflow-artifacts:/";
constexpr size_t kMostExperiment = 500;  // characters

struct Filing {
    std::string api, user, password, token;
    std::string experiment;
    bool may_create = true, may_restore = false;
    MlflowReport report;
    std::optional<std::string> content;
    std::string object_key;
    std::string writer;
    int64_t now = 0;
    // Found out on the way
    std::string experiment_id, run_id, artifacts;
    std::vector<std::string> batches;
};
using Shared = std::shared_ptr<Filing>;

// What an answer with this error_code means, when it is expected.
struct Known {
    std::string_view code;
    std::function<Step()> then;
};

Step find_experiment(const Shared &filing);
Step find_run(const Shared &filing);

[[noreturn]] void refuse(std::string what, std::string hint = {}) {
    throw Error("22023", std::move(what), {}, std::move(hint));
}

Outcome dead(std::string error) {
    Outcome outcome;
    outcome.state = Outcome::State::dead;
    outcome.error = std::move(error);
    return outcome;
}

Outcome odd() { return dead("the answer is not one of MLflow's REST API"); }

Outcome delivered(const Filing &filing) {
    Outcome outcome;
    outcome.status = 200;
    outcome.result = {{"run_id", filing.run_id}, {"experiment_id", filing.experiment_id}};
    return outcome;
}

Step ask(const Shared &filing, Request request, std::function<Step(const json &)> then,
         Known known = {}) {
    request.user = filing->user;
    request.password = filing->password;
    if (!filing->token.empty())
        request.headers.emplace_back("Authorization", "Bearer " + filing->token);
    return exchange(
        std::move(request),
        [filing, then = std::move(then), known = std::move(known)](const Response &answer) -> Step {
            Outcome outcome = judge(answer, filing->now);
            // NOLINTNEXTLINE(cppcoreguidelines-init-variables)
            const auto said = json::parse(answer.body, nullptr, false);
            if (outcome.state == Outcome::State::delivered) return then(said);
            if (!said.is_object()) return outcome;
            const std::string code = text_at(said, "/error_code");
            if (answer.fault != Fault::none || code.empty()) return outcome;
            if (code == known.code) return known.then();
            outcome.error = fmt::format("MLflow answered {} {}: {}", answer.status, excerpt(code),
                                        excerpt(text_at(said, "/message")));
            return outcome;
        });
}

Request get(const Filing &filing, const std::string &path) {
    Request request;
    request.method = "GET";
    request.url = filing.api + path;
    return request;
}

Request post(const Filing &filing, std::string_view call, std::string body) {
    Request request;
    request.url = fmt::format("{}mlflow/{}", filing.api, call);
    request.headers = {{"Content-Type", "application/json"}};
    request.body = std::move(body);
    return request;
}

// For what changes something each time it is sent.
Request post_once(const Filing &filing, std::string_view call, std::string body) {
    Request request = post(filing, call, std::move(body));
    request.once = true;
    return request;
}

// Last of all: a run that has ended is whole.
Step end_run(const Shared &filing) {
    const json body = {{"run_id", filing->run_id},
                       {"status", filing->report.status},
                       {"end_time", filing->report.end_time.value_or(filing->now * 1000)}};
    return ask(filing, post(*filing, "runs/update", body.dump()),
               [filing](const json &said) -> Step {
                   if (text_at(said, "/run_info/run_id") != filing->run_id) return odd();
                   return delivered(*filing);
               });
}

Step upload(const Shared &filing) {
    if (!filing->content) return end_run(filing);
    if (!filing->artifacts.starts_with(kServedArtifacts)) return odd();
    Request request;
    request.method = "PUT";
    request.url = fmt::format(
        "{}mlflow-artifacts/artifacts/{}", filing->api,
        percent_encoded(
            filing->artifacts.substr(kServedArtifacts.size()) + "/" + filing->object_key, "-._~/"));
    request.headers = {{"Content-Type", "application/octet-stream"}};
    request.body = *filing->content;
    return ask(filing, std::move(request), [filing](const json &) { return end_run(filing); });
}

Step log(const Shared &filing, size_t done) {
    if (done >= filing->batches.size()) return upload(filing);
    return ask(filing, post_once(*filing, "runs/log-batch", filing->batches[done]),
               [filing, done](const json &said) -> Step {
                   if (!said.is_object()) return odd();
                   return log(filing, done + 1);
               });
}

std::string tag_of(const json &run, std::string_view name) {
    const json tags = found_at(run, "/data/tags");
    for (const json &tag : tags)
        if (text_at(tag, "/key") == name) return text_at(tag, "/value");
    return {};
}

// `run`: one that was found or made.
Step write(const Shared &filing, const json &run) {
    filing->run_id = text_at(run, "/info/run_id");
    filing->artifacts = text_at(run, "/info/artifact_uri");
    const json start = found_at(run, "/info/start_time");
    if (filing->run_id.empty() || !start.is_number_integer()) return odd();
    const std::string status = text_at(run, "/info/status");
    if (status != "RUNNING" && status != "SCHEDULED") return delivered(*filing);
    filing->batches =
        mlflow_batches(filing->report, filing->run_id, start.get<int64_t>(), filing->writer);
    return log(filing, mlflow_logged(tag_of(run, kLoggedTag), filing->writer));
}

Step create_run(const Shared &filing) {
    json body = {{"experiment_id", filing->experiment_id},
                 {"start_time", filing->report.start_time.value_or(filing->now * 1000)},
                 {"tags", json::array({{{"key", kReportKeyTag}, {"value", filing->report.key}}})}};
    if (!filing->report.run_name.empty()) body["run_name"] = filing->report.run_name;
    return ask(filing, post_once(*filing, "runs/create", body.dump()),
               [filing](const json &said) -> Step {
                   if (!said.is_object() || !said.contains("run")) return odd();
                   return write(filing, said["run"]);
               });
}

Step find_run(const Shared &filing) {
    const json body = {
        {"experiment_ids", json::array({filing->experiment_id})},
        {"filter", mlflow_filter(filing->report.key)},
        {"max_results", 1},
        {"order_by", json::array({"attributes.start_time ASC", "attributes.run_id ASC"})}};
    return ask(filing, post(*filing, "runs/search", body.dump()),
               [filing](const json &said) -> Step {
                   if (!said.is_object()) return odd();
                   const json runs = said.value("runs", json::array());
                   if (!runs.is_array()) return odd();
                   if (runs.empty()) return create_run(filing);
                   // Never into a run that is not ours, whatever a server makes of the filter.
                   if (tag_of(runs[0], kReportKeyTag) != filing->report.key)
                       return dead("MLflow found a run with another report_key");
                   return write(filing, runs[0]);
               });
}

// The runs are restored with it. Somebody else may have been faster.
Step restore_experiment(const Shared &filing) {
    filing->may_restore = false;
    const json body = {{"experiment_id", filing->experiment_id}};
    return ask(filing, post(*filing, "experiments/restore", body.dump()),
               [filing](const json &) { return find_experiment(filing); },
               {"RESOURCE_DOES_NOT_EXIST", [filing] { return find_experiment(filing); }});
}

Step create_experiment(const Shared &filing) {
    filing->may_create = false;
    const json body = {{"name", filing->experiment}};
    // Found again in either case: the answer does not say where its artifacts go.
    return ask(filing, post(*filing, "experiments/create", body.dump()),
               [filing](const json &) { return find_experiment(filing); },
               {"RESOURCE_ALREADY_EXISTS", [filing] { return find_experiment(filing); }});
}

Step find_experiment(const Shared &filing) {
    Known missing;
    if (filing->may_create)
        missing = {"RESOURCE_DOES_NOT_EXIST", [filing] { return create_experiment(filing); }};
    return ask(
        filing,
        get(*filing, "mlflow/experiments/get-by-name?experiment_name=" +
                         percent_encoded(filing->experiment)),
        [filing](const json &said) -> Step {
            if (!said.is_object()) return odd();
            filing->experiment_id = text_at(said, "/experiment/experiment_id");
            if (filing->experiment_id.empty()) return odd();
            if (text_at(said, "/experiment/lifecycle_stage") == "deleted") {
                if (filing->may_restore) return restore_experiment(filing);
                return dead(
                    "the experiment is deleted in MLflow; restore it, or set option restore "
                    "of the sink to true");
            }
            // Before there is a run that could not be ended.
            if (filing->content &&
                !text_at(said, "/experiment/artifact_location").starts_with(kServedArtifacts))
                return dead(
                    "the artifacts of the experiment are not kept by the MLflow server; it "
                    "takes no content");
            return find_run(filing);
        },
        std::move(missing));
}

std::string experiment_of(const Sink &sink) {
    std::string name = text_option(sink, "experiment", "kpi");
    if (name.empty() || name.size() > kMostExperiment)
        refuse(fmt::format("the experiment of an mlflow sink has a name of 1 to {} bytes",
                           kMostExperiment));
    return name;
}

void check_url(const std::string &given) {
    const std::string url = lower(given);
    if (!url.starts_with("http://") && !url.starts_with("https://"))
        refuse("the URL of an mlflow sink must begin with http:// or https://",
               "It is the address of a tracking server, as MLFLOW_TRACKING_URI has it.");
    if (url.find_first_of("?#") != std::string::npos)
        refuse("the URL of an mlflow sink has no query and no fragment");
}

void check_sink(const Sink &sink) {
    check_url(sink.url);
    if (sink.secret.contains("username") != sink.secret.contains("password") ||
        (sink.secret.contains("username") && sink.secret.contains("token")))
        refuse("the secrets of an mlflow sink are username and password, or token");
    (void)experiment_of(sink);
    (void)text_option(sink, "run_name");
    (void)truth_option(sink, "restore", false);
}

MlflowReport report_of(const Sink &sink, const Message &message) {
    MlflowReport report = mlflow_report(message);
    if (report.run_name.empty()) report.run_name = text_option(sink, "run_name");
    if (message.content && (!is_mlflow_path(message.object_key) ||
                            message.object_key.find_first_of("\\#%") != std::string::npos))
        refuse("the object_key of an mlflow message must be the path of an artifact",
               "As in reports/june.csv: nothing empty between slashes, no \\ # %.");
    // A re-send reads the run back, and an answer that is too large would end it.
    const int64_t room = number_option(sink, "response_bytes", Limits().response_bytes);
    if (const int64_t bytes = mlflow_answer_bytes(report); bytes > room)
        refuse(
            fmt::format("the run of an mlflow message may fill an answer of {} bytes", bytes),
            fmt::format("Option response_bytes of the sink is {}: raise it, or split the report.",
                        room));
    return report;
}

void check_message(const Sink &sink, const Message &message) { (void)report_of(sink, message); }

Step deliver(const Sink &sink, const Message &message) {
    auto filing = std::make_shared<Filing>();
    filing->api = sink.url.substr(0, sink.url.find_last_not_of('/') + 1) + "/api/2.0/";
    filing->user = secret(sink, "username");
    filing->password = secret(sink, "password");
    filing->token = secret(sink, "token");
    filing->experiment = experiment_of(sink);
    filing->may_restore = truth_option(sink, "restore", false);
    filing->report = report_of(sink, message);
    filing->content = message.content;
    filing->object_key = message.object_key;
    filing->writer = message.idempotency_key;
    filing->now = message.unix_time;
    return find_experiment(filing);
}

// A run of its own each time: only writing shows that the sink may write.
Message test_message(const Sink &sink) {
    Message message;
    message.body = json{{"run_name", "kpi_ext test"},
                        {"metrics", {{"kpi_ext_test", 1}}},
                        {"tags", {{"mlflow.note.content", "A test of sink " + sink.name}}}}
                       .dump();
    return message;
}

}  // namespace

const Kind kKind = {
    .name = "mlflow",
    .url_is_secret = false,
    .needs_url = true,
    .options = {"experiment", "run_name", "restore"},
    .secrets = {"username", "password", "token"},
    .check_sink = check_sink,
    .check_message = check_message,
    .deliver = deliver,
    .test_message = test_message,
};

}  // namespace kpi::net::mlflow
