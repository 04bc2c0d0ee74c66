// The life of the accumulator: levels follow (sub)transactions, the flush happens at PRE_COMMIT and
// PRE_PREPARE. The callbacks for COMMIT, ABORT, PREPARE and subtransaction abort cannot fail: an
// error there is a PANIC of the cluster.
#pragma once

#include "engine/capture/accumulator.hpp"

namespace kpi::capture {

// Registers the transaction callbacks; once, from _PG_init, so that they run after those of later
// libraries.
void register_callbacks();

// The accumulator level of the current subtransaction, created when needed.
Level *current_level();
// The innermost level that exists, or null; walk with ->outer. For reading one's own changes.
Level *innermost_level();
// To be called after changing an accumulator: writes at once when the flush is over or memory runs
// out.
void after_change(Level *level, Changes *changes);

}  // namespace kpi::capture
