// What kpi.source, kpi.measure and kpi.counted say about a source, read and written: for kpi.track,
// kpi.add_measure and the DDL that a facts view follows. Needs an open Spi; what writes runs as the
// extension's owner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/source/columns.hpp"

namespace kpi::engine {

// As sort_columns takes it: dimensions in their order, aggregates in that of their positions.
struct Registered {
    std::string name, time_column, capture;
    ObjectId base;
    std::vector<std::string> dimensions, measures;
    std::vector<Aggregate> aggregates;
};
// The source over a facts view; nullopt: none.
std::optional<Registered> registered(ObjectId view);

// Whose measure it is.
struct MeasureOwner {
    std::string source;
    ObjectId role;  // owner of the facts view
};
// A measure and the metric of its own name. `type`: SQL text of the column's base type.
void register_sum(const MeasureOwner &owner, const std::string &name, int position,
                  const std::string &type);
void register_counted(const MeasureOwner &owner, const NewCounted &measure, const NewKept &kept);

// Refuses a name that a measure or metric has. Errors: 42710.
void check_measure_name(const std::string &name);

// Makes the views by day and hour, or makes them anew when the source has another measure.
void create_typed_views(const std::string &source, ObjectId owner);

}  // namespace kpi::engine
