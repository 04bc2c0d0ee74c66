// Where a long repair stops: a range that the planner expects to be short work, so that DDL which
// waits for the base table gets its turn between two transactions.
#pragma once

#include "engine/rollup/facts_statement.hpp"
#include "engine/rollup/layout.hpp"

namespace kpi::engine {

// The latest part of `days` that holds about half a million facts; all of it when the facts are
// fewer, or when no index or partition on the time column makes a part cheaper than the whole. Runs
// as the source's owner.
DayRange latest_chunk(const Layout &source, const DayRange &days);

}  // namespace kpi::engine
