// Compares the facts view with what reads would use instead of it.
#pragma once

#include <string>

#include "engine/source/owner.hpp"

namespace kpi::engine {

// One statement, one snapshot, no lock, no write: appends (bucket, grain, segment, measure,
// expected, actual) for every bucket, segment (total, single dimensions, full) and measure in which
// rollup + deltas + own unflushed changes differ from the facts view; `row_count` is compared like
// a measure, and of a counted measure the number of rows of each value, with the value in the
// segment. Left out: frozen days, and days that reads take from the facts view anyway (dirty, or
// the source is still being built), because nothing else is used there. Errors: those of owner.hpp,
// and a data error in the facts of a window source.
void verify(const std::string &text, const Period &period, pg::ResultSet &result);

}  // namespace kpi::engine
