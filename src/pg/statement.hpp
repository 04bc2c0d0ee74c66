// SQL that users wrote down to be run later: what it is, what it reads, how long it takes. Needs an
// open Spi and, for everything but single_select, the scope of its owner (RunAs, reading).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::pg {

// The text of the one SELECT (or VALUES, or WITH ... SELECT) that `sql` holds, without a semicolon:
// it can stand in parentheses. Errors: PostgreSQL's for bad syntax; 22023 for anything else.
std::string single_select(const std::string &sql);

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
