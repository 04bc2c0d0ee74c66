// Metrics as the reader needs them: the formula down to measures, compiled, with the sources it
// touches. Needs an open Spi; read in the caller's snapshot. Errors: 42704 for an unknown metric,
// with near names as a hint.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "pg/formula.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {

struct MeasureUse {
    std::string name, source;
    pg::Reading reading = pg::Reading::value;
    double argument = 0;  // of the reading
};

struct Metric {
    std::string name;
    ObjectId owner;
    pg::CompiledFormula formula;       // operands are indexes of `measures`
    std::vector<MeasureUse> measures;  // each reading of each once
    std::vector<std::string> sources;  // each once, in the order of the formula
};

// In the order of the names.
std::vector<Metric> load_metrics(const std::vector<std::string> &names);

// Every metric whose sources the caller may read, by name.
std::vector<Metric> load_readable_metrics();

// A row of kpi.metric.
struct MetricRow {
    std::string name, formula;
    ObjectId owner;
    std::optional<MeasureUse> measure;  // the metric is a measure's own
};
std::vector<MetricRow> metric_rows(const std::vector<std::string> &names, pg::Access access);

// The measures of a source, counted ones too, by name. As this command sees the registry.
std::vector<std::string> measures_of(const std::string &source);

// Metrics defined over any of the measures, through other metrics too, by name; a measure's own
// metric is not among them. As this command sees the registry.
std::vector<std::string> metrics_over(const std::vector<std::string> &measures);

// Names that look like the one asked for, as a sentence for a hint; empty: none does.
std::string near_names(const std::string &name, pg::Access access);

}  // namespace kpi::engine
