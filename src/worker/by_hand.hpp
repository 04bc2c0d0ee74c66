// The worker's work without a worker: CALL kpi.work(), kpi.refresh(), kpi.watch_view().
#pragma once

#include <optional>

#include "core/table.hpp"
#include "worker/refresh.hpp"

namespace kpi::worker {

// Rounds until nothing is left, each step committed. `atomic`: the caller's transaction cannot be
// committed here. Errors: 2D000 in a transaction block or function.
enum class Commits { allowed, forbidden };
void work_by_hand(Commits commits);

// Errors: 42501 unless `caller` owns the view (membership counts), 42809 for what is no
// materialized view.
int64_t refresh_by_hand(ObjectId caller, std::optional<ObjectId> view, Manner manner,
                        Analyze analyze);
void watch_view(ObjectId caller, ObjectId view);
void unwatch_view(ObjectId caller, ObjectId view);

}  // namespace kpi::worker
