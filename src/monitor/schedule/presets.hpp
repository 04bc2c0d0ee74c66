// The jobs there are: those of the stack that kpi_ext replaces, the heartbeat, and reports with a
// schedule of their own.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace kpi::monitor {

struct Preset {
    std::string job, kind;
    std::string key;       // of the environment: its schedule; empty: it has none but its own
    std::string function;  // in schema kpi, that does the work; empty: ours, in worker/
    std::string argument;  // of the function, as SQL
    std::string max_age;
};

const std::vector<Preset> &presets();
// Also kpi_report_{name}, of a report in kpi.report_plan. Needs an open Spi and the rights of the
// extension's owner. Errors: 42704, with the names that it may mean.
Preset preset(const std::string &job);
// Why a job cannot be scheduled in this database: its function is not there. Needs an open Spi.
std::optional<std::string> hindrance(const Preset &preset);

}  // namespace kpi::monitor
