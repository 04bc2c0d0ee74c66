// The rows of one level and grain in the order of the rollup's index: by bucket, then by the hash
// of the segment. By two passes of counting, so that the cost is linear in the rows.
#pragma once

#include "engine/rewrite/rollup_table.hpp"

namespace kpi::rewrite {

// A cell that is to be written: neither void nor settled, and of the hours one that is kept.
bool is_missing(const Levels &levels, const CellTable &cells, uint32 cell, bool hourly);
// Writes what is missing of a level.
void write_level(RollupTable *table, const Levels &levels, const Level &level);

}  // namespace kpi::rewrite
