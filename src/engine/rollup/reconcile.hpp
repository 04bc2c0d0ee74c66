// Makes the rollups of a range of local days equal to the facts view, in the caller's transaction,
// under the source's mutex.
#pragma once

#include "engine/rollup/facts_statement.hpp"
#include "engine/rollup/layout.hpp"
#include "engine/rollup/upkeep.hpp"

namespace kpi::engine {

// rewrite: takes the deltas of the range and replaces those rollup rows that differ, in one
//          statement; mends damage in one level or grain too.
// append:  adds facts - rollups - deltas as deltas; deletes nothing, so a range that is right costs
//          no write.
// either:  rewrite when the range has no rollups yet, append otherwise.
enum class Method { rewrite, append, either };

// The caller holds the mutex. Reads the dirty marks first and the facts in a later snapshot, so the
// marks it takes away are all covered; a mark made meanwhile stays. DayRange before frozen_before
// are left alone. Returns rows written and days. Errors: a data error in the facts of a window
// source is raised.
Progress mend(const Layout &source, const DayRange &days, Method method);

}  // namespace kpi::engine
