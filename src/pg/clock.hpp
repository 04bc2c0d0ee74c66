// Time zones and the reader's clock, as plain values.
#pragma once

#include <string>

#include "core/dates.hpp"

namespace kpi::pg {

// PostgreSQL's zone of that name. Errors: 22023 for an unknown one; the functions raise 22008
// beyond its calendar. instant() of a wall clock that occurs twice is the first; of one that is
// skipped, PostgreSQL's (AT TIME ZONE).
Zone zone(const std::string &name);

// When the caller's snapshot was taken, as near as PostgreSQL tells: the start of the statement, or
// of the transaction in REPEATABLE READ and SERIALIZABLE.
Timestamp snapshot_time();

}  // namespace kpi::pg
