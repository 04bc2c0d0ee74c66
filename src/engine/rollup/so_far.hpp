// The sums of past days up to an instant, kept so that "what the same weekdays had by now" reads
// them instead of hours and facts. They are true or gone: merge and mend take away those of days
// whose facts may have changed, and readers (query/past_sums.hpp) leave out days that have deltas
// or dirty marks.
#pragma once

#include "engine/rollup/facts_statement.hpp"
#include "engine/rollup/layout.hpp"
#include "engine/rollup/upkeep.hpp"

namespace kpi::engine {

// For the holder of the mutex, in the transaction that changes what is known of the days.
void forget_so_far(const Layout &source, const DayRange &days);
// After a merge: costs nothing while it touched recent days only.
void forget_so_far(const Layout &source, const Progress &merged);

}  // namespace kpi::engine
