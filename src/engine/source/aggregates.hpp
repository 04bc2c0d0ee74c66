// What kpi.track takes as aggregates: measures that do not add up, {"customers": {"distinct":
// "customer_id"}, "dearest": {"max": "price"}}.
// Percentiles have an error too: {"delay": {"percentiles": "arr_delay", "error": 0.01}}.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/registry/tables.hpp"

namespace kpi::engine {

// A measure of the values of a column of the facts view.
struct Aggregate {
    std::string name, column;
    CountedKind kind = CountedKind::distinct;
    double error = 0;  // of percentiles
};

// In the order of their names. Errors: 22023 for another shape, 42602 for a name that no metric can
// have, 54011 for more than a source can have.
std::vector<Aggregate> parse_aggregates(const std::string &json);

// One of them: what its name stands for.
Aggregate parse_aggregate(const std::string &name, const std::string &json);
// The column of {"sum": column}; nullopt: another definition. Errors: 22023 where it is not the
// measure's name.
std::optional<std::string> parse_sum(const std::string &name, const std::string &json);
// Errors: 54011 for more aggregates than a source can have.
void check_count(size_t aggregates);

// Refuses a column with more values than can be kept, as the planner estimates them; buckets of
// percentiles are always few. `facts`: the qualified view. Needs an open Spi. Errors: 54000.
void check_size(const std::string &facts, const std::string &time_column,
                const Aggregate &aggregate);

}  // namespace kpi::engine
