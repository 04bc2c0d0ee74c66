// monitor/config: thresholds and schedules by environment, and where each value comes from.
//
// A key's value is, in this order: a variable of the server's environment (those of the stack that
// kpi_ext replaces), the file of the environment that kpi.environment names, the preset. Needs an
// open Spi, as the extension's owner.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kpi::monitor {

struct Configured {
    std::string name, value;
    std::string source;  // default, environment "prod", variable NAME, setting
    std::string note;
};

// Every key, the old stack's connection string without what is secret, and the settings kpi.*.
std::vector<Configured> config();
// What counts for the keys of environment/keys.hpp, one each.
std::vector<Configured> configured_keys();
// Errors: 22023 for a name that is no threshold, 55000 when kpi.environment names an environment
// that was not loaded: the presets of another one are not meant.
std::string threshold_value(const std::string &name);

// Rules for Prometheus with the thresholds of an environment; nullopt: as they count here. Errors:
// 42704 for an environment that was not loaded, 55000 as threshold_value.
std::string prometheus_rules(const std::optional<std::string> &environment);

// Replaces what is kept of an environment; returns the number of values. Errors: 22023 for the
// name, those of environment::read_values, 22023 with the line for a time zone that is none.
int64_t load_environment(const std::string &name, const std::string &yaml);
// Errors: 22023 for what is no name of a zone. Offsets such as UTC+5 are none: their sign means
// the contrary of what it seems to say.
bool is_zone(const std::string &name);

// A connection string without user, password and options.
std::string without_secrets(const std::string &dsn);

}  // namespace kpi::monitor
