// engine/rollup: what keeps the rollups true. Each function is one step inside the caller's
// transaction and expects an open Spi; the caller (the worker, kpi.work, or an SQL function)
// decides about transactions. All take the source's mutex conditionally: `busy` means that somebody
// else holds it and nothing was done. Errors: kpi::Error; the caller catches per source, after
// rolling its transaction back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::engine {

struct Progress {
    bool busy = false;  // the mutex is held elsewhere
    bool more = false;  // call again: there is more of the same to do
    int64_t rows = 0;   // deltas merged, or rows written
    // ISO local days touched, at most 400; empty and rows > 0: too many to name
    std::vector<std::string> days;
};

// Names of all sources that may be worked on now: those whose capture triggers exist (a restore may
// still be loading).
std::vector<std::string> workable_sources();

// Moves up to `limit` visible deltas into the rollups.
Progress merge(const std::string &source, int64_t limit = 50000);
// Repairs dirty ranges: the first build writes the rollups, later repairs append the difference as
// deltas; deletes the marks that its snapshot saw. One bounded range a call.
Progress repair(const std::string &source);
// Window capture: recomputes the last `lookback` days and appends the difference. Sets
// kpi.source_state.computed_at.
Progress recompute_window(const std::string &source);
// Drops hour rollups older than hour_retention (moves kpi.source.hours_from).
Progress expire_hours(const std::string &source);
// Collects the planner's statistics of the rollups when they are due: after the first build, a
// rebuild or a large repair, and whenever the tables are ten times larger than at the last time.
// Needs no mutex; blocks neither writers nor merges. `busy`: vacuum or DDL is at the tables.
Progress refresh_statistics(const std::string &source);
// Makes the sums of past days up to now (so_far.hpp) anew, every ten minutes and where they are
// missing; nothing for window capture and while a day is dirty.
Progress keep_so_far(const std::string &source);
// Whether a merge took away sums that keep_so_far() had made, or may have.
bool touches_past(const Progress &merged);
// Folds kpi.capture_error to one row per source, SQLSTATE and message. Not per source.
int64_t fold_capture_errors();

}  // namespace kpi::engine
