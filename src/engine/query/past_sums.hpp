// The sums of past days up to an instant, which the worker keeps (rollup/so_far.cpp) for whoever
// asks what such a day had by this time: which of them may be used in the reader's snapshot.
#pragma once

#include <vector>

#include "engine/query/statement.hpp"

namespace kpi::engine {

// Sets `so_far` of the days of each source of the group, in its order. A day whose facts have
// changed since, by a delta that is not merged, by a dirty mark or by this transaction, is left
// out. None on a hot standby, where unlogged tables cannot be read, and for counted measures. Runs
// as the metrics' owner; needs an open Spi.
void find_past_sums(const Group &group, std::vector<SourceDays> &sources);

}  // namespace kpi::engine
