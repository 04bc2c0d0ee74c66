// SQL text: from rows in the shape of the delta table to rows of every level and both grains.
#pragma once

#include <string>

#include "engine/rollup/layout.hpp"

namespace kpi::engine {

enum class RollupGrain { day, hour };

// SELECT level, day, hour, d1.., n, m1..: the total, every single dimension and the full segment of
// `rows`, a FROM item with the columns of the delta table; of a counted measure's values the full
// segment. hour is NULL in rows of the day grain;
// hours that are not kept have no rows of the hour grain. Groups in which everything cancels are
// left out. Expects a CTE `bounds` (hours_from, frozen_before).
std::string grouped(const Layout &source, const std::string &rows);

// "kpi._count(n) AS n, .." for all additive columns. Aggregates of our own: PostgreSQL's sum of
// int8 and of numeric keep much more for every group, and add digit by digit.
std::string summed(const Layout &source);

// The condition that no row and no sum is left, over columns with the given prefix. Not n = 0
// alone: deltas are not merged in commit order, so a group may pass through n = 0 with sums that
// the next batch takes away again.
std::string is_void(const Layout &source, const std::string &prefix);

// The CTE `bounds` of source $1.
inline constexpr const char *kBounds =
    "bounds AS MATERIALIZED (SELECT hours_from, frozen_before FROM kpi.source WHERE name = $1)";

}  // namespace kpi::engine
