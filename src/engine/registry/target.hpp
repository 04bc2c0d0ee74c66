// kpi.set_target: what a metric is to reach in a period, table kpi.target. Needs an open Spi; runs
// as the caller, who must own the metric.
#pragma once

#include <optional>
#include <string>

#include "core/dates.hpp"

namespace kpi::engine {

struct Target {
    std::string metric;
    std::optional<std::string> value;  // decimal text; nullopt: there is none any more
    Date first, last;                  // both included
    std::string segment = "{}";        // as the filters of kpi.query
};
// Errors: 42704, 42501; 22023 for a value, days or a segment; 55000 for days of another target.
void set_target(const Target &target);

}  // namespace kpi::engine
