// The jobs there are: those of the stack that kpi_ext replaces, and the heartbeat.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kpi::monitor {

struct Preset {
    std::string_view job, kind;
    std::string_view key;       // of the environment: its schedule
    std::string_view function;  // in schema kpi, that does the work; empty: ours, in worker/
    std::string_view argument;  // of the function, as SQL
    std::string_view max_age;
};

const std::vector<Preset> &presets();
// Errors: 42704, with the names that it may mean.
const Preset &preset(const std::string &job);
// Why a job cannot be scheduled in this database: its function is not there. Needs an open Spi.
std::optional<std::string> hindrance(const Preset &preset);

}  // namespace kpi::monitor
