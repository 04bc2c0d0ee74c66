// The message of an mlflow sink in the form in which MLflow's REST API takes it. The message itself
// is described in mlflow.cpp.
// Times are in milliseconds since 1970. Errors: 22023 with a hint.
// Sources: MLflow's REST API reference ("Log Batch", "Search Runs", "Metric", "Param", "RunTag"),
// its search syntax for runs, and what a server of 3.17 takes and refuses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/wire/step.hpp"

namespace kpi::net::mlflow {

// The tags that tell a run which report it is, and how much of it has been logged.
constexpr std::string_view kReportKeyTag = "kpi.report_key";
constexpr std::string_view kLoggedTag = "kpi.logged";

struct MlflowReport {
    std::string key;
    std::string run_name;  // empty: none was given
    std::string status = "FINISHED";
    std::optional<int64_t> start_time, end_time;
    // Objects of log-batch. A metric whose time was not given has none yet.
    std::vector<nlohmann::json> metrics, params, tags;
};

MlflowReport mlflow_report(const Message &message);

// Whether it can be the name of a metric or parameter, or the path of an artifact: no empty or
// dotted part, no slash at either end.
bool is_mlflow_path(std::string_view name);

// Finds the run of a report. The text is quoted with the quote that it does not hold: MLflow knows
// no escape. Errors: 22023 when it holds both.
std::string mlflow_filter(const std::string &report_key);

// The bodies of the calls of log-batch, each within MLflow's limits, the same for the same report
// and times. `time` is that of metrics without one. The last tag of each is kpi.logged, "<number of
// the batch, from 1> <writer>".
std::vector<std::string> mlflow_batches(const MlflowReport &report, const std::string &run_id,
                                        int64_t time, const std::string &writer);

// How many batches of this writer a run holds, from its tag kpi.logged.
size_t mlflow_logged(std::string_view tag, std::string_view writer);

// The most bytes that MLflow answers with when it is asked for the run of this report.
int64_t mlflow_answer_bytes(const MlflowReport &report);

}  // namespace kpi::net::mlflow
