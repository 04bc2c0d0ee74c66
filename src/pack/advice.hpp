// Indexes on base tables that the pack does not create but recommends: the time column, which
// repair, rebuild and verify of a few days read by. Needs an open Spi.
#pragma once

#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::pack {

// Statements for a table whose time column leads no usable index; none when one does. Partitions
// come first, one by one and CONCURRENTLY, then the partitioned table, which adopts their indexes.
std::vector<std::string> index_advice(ObjectId table, const std::string &time_column);

}  // namespace kpi::pack
