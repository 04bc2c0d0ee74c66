// Time zones as PostgreSQL knows them.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::pg {

// A stretch of time with one offset from UTC.
struct ZoneSpan {
    // microseconds since 2000-01-01 UTC, exclusive
    int64_t until = std::numeric_limits<int64_t>::max();
    int seconds_east = 0;
};

// The spans of a zone that cover [from, to), in order; the last is open. Empty when there would be
// more than `most`. Errors: 22023 for an unknown zone.
std::vector<ZoneSpan> zone_spans(const std::string &zone, Timestamp from, Timestamp to,
                                 size_t most);

}  // namespace kpi::pg
