// Settings under which the statements of this room run.
#pragma once

#include "pg/sql.hpp"

namespace kpi::engine {

// Names resolve in pg_catalog only; RLS raises instead of filtering; text output does not depend on
// the session.
pg::LocalSettings plain_settings();
// As plain_settings, and every join is a nested loop over an index: the cost of a merge follows the
// deltas, whatever the statistics say about the rollups.
pg::LocalSettings merge_settings();
// As plain_settings, for aggregates over facts: partitions and foreign tables aggregate where the
// rows are, with the memory of maintenance work.
pg::LocalSettings facts_settings();

}  // namespace kpi::engine
