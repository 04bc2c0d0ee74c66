// The worker's work without a worker: CALL kpi.work(), CALL kpi.run_due(), kpi.refresh(),
// kpi.watch_view().
#pragma once

#include <optional>
#include <string>

#include "core/table.hpp"
#include "worker/refresh.hpp"

namespace kpi::worker {

// Rounds until nothing is left, each step committed. `atomic`: the caller's transaction cannot be
// committed here. Errors: 2D000 in a transaction block or function.
enum class Commits { allowed, forbidden };
void work_by_hand(Commits commits);
// Jobs that are due, of one name or all. Errors: as above; 42704 for an unknown name.
void run_due_by_hand(Commits commits, const std::optional<std::string> &job);

// Errors: 42501 unless `caller` owns the view (membership counts), 42809 for what is no
// materialized view.
int64_t refresh_by_hand(ObjectId caller, std::optional<ObjectId> view, Manner manner,
                        Analyze analyze);
void watch_view(ObjectId caller, ObjectId view);
void unwatch_view(ObjectId caller, ObjectId view);

}  // namespace kpi::worker
