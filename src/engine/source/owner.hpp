// What the owner of a source may ask for by SQL. Each needs an open Spi and runs in the caller's
// transaction. Errors: 42501 unless the caller is a member of the role that owns the source, 42704
// for an unknown source, 55P03 when the source's mutex stays taken for lock_timeout (at most 10 s).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/rollup/facts_statement.hpp"
#include "engine/rollup/layout.hpp"

namespace kpi::engine {

// nullopt: open. Widened to whole local days.
struct Period {
    std::optional<Timestamp> from, to;
};

// The local days that a period touches, in ISO text; expects plain_settings().
DayRange whole_days(const Layout &source, const Period &period);
// Errors: 22023 when it ends before it begins.
void check_period(const Period &period);

// The source, if the current user may write it; its grants follow a new owner first.
Layout owned_source(const std::string &name);

// Merges all deltas of one source, or of every source that the caller owns. A busy source is
// skipped with a NOTICE. Returns the number of deltas.
int64_t merge_by_hand(const std::optional<std::string> &name);
// Replaces deltas and rollups of the period by the facts. Does not block writers. DayRange that are
// frozen stay.
void rebuild(const std::string &text, const Period &period);
// Keeps the days before `before` as they are now: deltas, repair, rebuild and verify leave them
// alone. Merges and repairs first. An earlier date than before thaws the days between, which are
// then repaired from the facts. Errors: 22023 when a day would be frozen that is not over.
void freeze(const std::string &text, Timestamp before);

}  // namespace kpi::engine
