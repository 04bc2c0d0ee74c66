// The result of a statement of this room as a Progress.
#pragma once

#include "core/table.hpp"
#include "engine/rollup/upkeep.hpp"

namespace kpi::engine {

// Progress::days names at most this many.
inline constexpr size_t kMaxDays = 400;

// Rows of (rows written, touched day), the last with a NULL day; more than kMaxDays days: none is
// named.
Progress step_of(const Table &touched);

// Notes in kpi.source_state that the source's numbers have moved, for whoever caused it: watched
// views compare it with their last refresh.
void note_change(const std::string &source);

// The rollups hold other rows than when their statistics were collected: refresh_statistics() is
// due. The caller's transaction may be a user's, so nothing is collected here.
void forget_statistics(const std::string &source);

}  // namespace kpi::engine
