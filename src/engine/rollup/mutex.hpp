// The mutex of a source: whoever writes its rollups, repairs, rebuilds or freezes holds it to the
// end of the transaction. It stands for the unique constraint that the rollups do not have. Writers
// of facts never take it.
#pragma once

#include "core/table.hpp"

namespace kpi::engine {

enum class Wait { no, briefly };

// Locks in the project's order: extension, base table and facts view (0: not wanted), then the
// mutex, which is keyed by the delta table. `Wait::no`: false when somebody else holds it or DDL is
// queued on a relation. `Wait::briefly`: waits for the mutex up to lock_timeout and raises 55P03
// after it.
struct MutexRequest {
    ObjectId base, facts, delta;
};
bool lock_source(const MutexRequest &request, Wait wait);

}  // namespace kpi::engine
