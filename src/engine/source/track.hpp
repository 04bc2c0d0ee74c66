// kpi.track and kpi.untrack: from an ordinary view to a source. Checks first, then registry and
// tables, then the dirty mark over everything, the triggers last, because their lock on the base
// table is kept to the end of the transaction. Needs an open Spi.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::engine {

struct TrackRequest {
    ObjectId facts;
    std::string time_column;
    std::vector<std::string> dimensions;
    std::optional<std::string> name, timezone;
    std::string capture = "auto";  // auto, trigger, window
    std::string lookback = "3 days", hour_retention = "60 days";
    // auto: the worker or kpi.work() builds; now: in this transaction
    std::string build = "auto";
    std::string aggregates = "{}";  // JSON object (aggregates.hpp)
};

// Returns the source's name. Errors: 42501 not the owner; 42703, 42804, 42710, 42P17, 0A000 for
// what cannot be tracked, each with the mend; 55P03 when the base table stays locked by others.
std::string track(const TrackRequest &request);

// The two halves of track(), for callers that make more things before any base table is locked: all
// but the triggers; then the triggers of all sources, in one go. base 0: window capture.
struct Prepared {
    std::string name;
    ObjectId base;
};
Prepared prepare(const TrackRequest &request);
void start_capture(const std::vector<Prepared> &sources);

// By the name of the source or of its facts view.
void untrack(const std::string &name);

// Locks the base tables of sources that are about to be untracked, all or none at a time.
void lock_to_untrack(const std::vector<std::string> &sources);

// Drops the source without asking for rights or locks; for sql_drop, where the view or base is gone
// already.
void forget(const std::string &source);

// Inserts a mark over everything and rings the worker at commit.
void mark_dirty(const std::string &source, const std::string &why);

}  // namespace kpi::engine
