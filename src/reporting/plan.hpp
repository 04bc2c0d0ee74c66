// Reports that are made and sent by schedule: table kpi.report_plan. Needs an open Spi; `caller` is
// who asks. Errors: 22023 for arguments, 42704 for an unknown report or sink, 42710 for a name that
// is taken, 42501.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/table.hpp"
#include "reporting/edition.hpp"
#include "reporting/scope.hpp"

namespace kpi::reporting {

struct Plan {
    std::string name;
    Kind kind = Kind::daily;
    ObjectId owner;
    std::vector<std::string> sinks, formats;
    std::string language;
    std::string options = "{}";
    std::optional<std::string> schedule, time_zone;  // of its own: what add_plan is asked for
};
// What the options ask for, as the current role may read it.
Scope scope_of(const Plan &plan);

// Its metrics and filters are tried at once.
void add_plan(ObjectId caller, const Plan &plan);
struct PlanChange {
    std::optional<std::vector<std::string>> sinks, formats;
    std::optional<std::string> language, options;
    std::optional<bool> enabled;
    std::optional<std::string> schedule, time_zone;  // no schedule: with those of its kind
};
void alter_plan(ObjectId caller, const std::string &name, const PlanChange &change);
void drop_plan(ObjectId caller, const std::string &name);

// nullopt: there is none of that name. Errors: 42501 for somebody else's.
std::optional<Plan> find_plan(ObjectId caller, const std::string &name);
// Errors: those, and 42704 with the nearest names.
Plan demand_plan(ObjectId caller, const std::string &name);
// Those that are enabled, without a schedule of their own, and the caller may run; by name.
std::vector<Plan> plans_of(ObjectId caller, Kind kind);

// Opens the incident of a plan that failed among the others of its kind, and closes it when it went
// well, is off or is dropped. (One with a job has the incident of the job.)
void note(const Plan &plan, const std::optional<Error> &error);

}  // namespace kpi::reporting
