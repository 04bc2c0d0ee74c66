// What checks and probes demand of their arguments, and of who gives them: who may read and judge
// what they are about. Needs an open Spi and the rights of the
// extension's owner.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/table.hpp"

namespace kpi::monitor {

// Errors: 22023. `what`: check or probe.
void demand_name(const char *what, const std::string &name);
void demand_severity(const std::string &severity);
void demand_every(const std::string &interval);

// Errors: 42501.
void demand_select(ObjectId role, ObjectId relation);
// Errors: 42703 with the nearest names.
void demand_column(ObjectId relation, const std::string &column);
// The owner of the facts view: a check that fails keeps the rules of the source quiet.
void demand_source(ObjectId role, const std::string &source);
// `what`, which belongs to `owner`, is the role's to run.
void demand_run(ObjectId role, ObjectId owner, const std::string &what);
// Errors: 42704.
void demand_sinks(const std::vector<std::string> &sinks);
Error unknown_check(const std::string &name);

// The values of this column are kept as samples no more. Errors: 42501 unless the caller owns the
// relation, 42703.
void mark_sensitive(ObjectId caller, ObjectId relation, const std::string &column, bool sensitive);

}  // namespace kpi::monitor
