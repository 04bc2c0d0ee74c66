// Checks as rows of kpi.check: adding, changing, removing and reading them. Needs an open Spi;
// `caller` is who asks. Errors: 22023 and 22004 for arguments, 42501 without the right on what is
// read or judged, 42704 for an unknown check, 42710 for a name that is taken.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::monitor {

struct NewCheck {
    std::string name, kind, parameters = "{}", severity = "warning", every = "15 minutes";
    std::optional<std::string> source, column;
    std::optional<ObjectId> relation;
    std::vector<std::string> sinks;
};

// As nullopt: stays as it is.
struct CheckChange {
    std::optional<std::string> parameters, severity, every;
    std::optional<std::vector<std::string>> sinks;
    std::optional<bool> enabled;
};

// A check with what it needs to run.
struct Check {
    std::string name, kind, parameters, severity;
    std::optional<std::string> source, column;
    std::optional<ObjectId> relation, facts;
    std::string timezone = "UTC";
    std::optional<std::string> facts_time;
    ObjectId owner;
    bool owner_exists = false;
    bool building = false;  // the source: nothing of it is in the rollups yet

    // What it reads, unless it reads rollups.
    std::optional<ObjectId> table() const { return relation ? relation : facts; }
};

void add_check(ObjectId caller, const NewCheck &check);
void alter_check(ObjectId caller, const std::string &name, const CheckChange &change);
void drop_check(ObjectId caller, const std::string &name);

// In the order of their names, for whoever may run them. nullopt: all that are enabled. Errors:
// 42704, 42501.
std::vector<Check> checks_of_caller(ObjectId caller, const std::optional<std::string> &name);
std::optional<Check> load_check(const std::string &name);

}  // namespace kpi::monitor
