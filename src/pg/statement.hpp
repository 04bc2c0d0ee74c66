// SQL that users wrote down to be run later: what it is, what it reads, how long it takes. Needs an
// open Spi and, for everything but the first three, the scope of its owner (RunAs, reading).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::pg {

// The text of the one SELECT (or VALUES, or WITH ... SELECT) that `sql` holds, without a semicolon:
// it can stand in parentheses. Errors: PostgreSQL's for bad syntax; 22023 for anything else.
std::string single_select(const std::string &sql);

// The same, which the owner may run: it is planned as him, not run. Errors: those, and the query's.
std::string readable_select(ObjectId owner, const std::string &sql);

// Whether it says itself in which order its rows come.
bool is_ordered(const std::string &select);

// What it returns.
struct Output {
    std::string name;
    ObjectId type;  // of a domain the type that it is over
};
std::vector<Output> outputs_of(const std::string &select);

// Tables and views that a statement reads, through views, as far as they are not hidden in
// functions.
std::vector<ObjectId> relations_read(const std::string &sql);

// Runs a statement to its end and throws its rows away.
struct Timing {
    int64_t rows = 0;
    int64_t microseconds = 0;
};
Timing time_statement(const std::string &sql);

}  // namespace kpi::pg
