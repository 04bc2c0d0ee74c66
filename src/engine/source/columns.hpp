// The columns of a facts view, sorted into time, dimensions and measures; every complaint about
// them has its mend. Needs an open Spi.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "engine/registry/tables.hpp"
#include "engine/source/aggregates.hpp"

namespace kpi::engine {

struct FactsColumns {
    std::string time_column, time_type;
    std::vector<NewDimension> dimensions;
    std::vector<NewMeasure> measures;
    std::vector<NewCounted> counted;
    std::vector<NewKept> kept;               // the columns of `counted`
    std::vector<std::string> measure_types;  // SQL text of the base types, beside `measures`
    std::vector<std::string> unused;         // numbers that are nothing of this
};

// What is counted (distinct) and floats are no measures by themselves; other columns of aggregates
// are. Errors:
// 42703 no such column, 42804 wrong type (float, money, what cannot be grouped), 54011 too many,
// 42P17 no measure, a reserved or doubled name. `sums`: the columns that are summed; nullopt: every
// number that is none of the others.
FactsColumns sort_columns(ObjectId facts, const std::string &time_column,
                          const std::vector<std::string> &dimensions,
                          const std::vector<Aggregate> &aggregates,
                          const std::optional<std::vector<std::string>> &sums = std::nullopt);

}  // namespace kpi::engine
