// kpi.define and kpi.undefine: the registry of metrics. Needs an open Spi; runs as the caller, who
// becomes the owner.
#pragma once

#include <optional>
#include <string>

#include "engine/registry/metrics.hpp"

namespace kpi::engine {

struct Definition {
    std::string metric, formula;
    std::optional<std::string> unit;
    std::string good = "up";
    std::optional<std::string> description;
};

// Checks the formula (pg/formula.hpp), that it uses a measure, that all its sources count in one
// time zone and belong to roles of the caller, and that it can be evaluated where every measure is
// 0, as it is in an empty bucket. Replaces a metric of the same name and owner. Errors: 42602,
// 42703, 42P17 (cycle), 42501, 22023, 42809 (a measure's own metric).
void define(const Definition &definition);

// Errors: 42602 for a name that no metric can have.
void check_metric_name(const std::string &name);

// The metric to be changed by the caller, who must own it. Definitions wait until the end of the
// transaction. Errors: 42704 with near names, 42501.
MetricRow own_metric(const std::string &name);

// Errors: 42704, 42501, 2BP01 when other metrics use it, 42809 for a measure's own metric.
void undefine(const std::string &metric);

}  // namespace kpi::engine
