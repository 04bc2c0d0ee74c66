// The newest rows of a facts view, for a table beside the numbers. Read by the caller, with the
// caller's rights and in the caller's snapshot, backwards through an index on the time column where
// there is one. Needs an open Spi.
#pragma once

#include <string>

#include "pg/sql.hpp"

namespace kpi::engine {

constexpr int kRecentAtMost = 1000;  // rows
// With filters: among how many of the newest rows they are looked for, so that a segment which has
// none costs no more than one which has many.
constexpr int kRecentLookedAt = 2000;

// Appends (at, segment, measures). Rows dated in the future are none of the newest. Errors: 42704
// unknown source, 42501 the caller may not SELECT the facts view, 22023 for `n` and filters.
void recent(const std::string &source, int n, const std::string &filters, pg::ResultSet &out);

}  // namespace kpi::engine
