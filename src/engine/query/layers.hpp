// The reads of a plan as arrays that a scan looks its rows up in. In one layer a day or an hour
// counts in at most one read, so a row finds its read by its place in an array: no join, nothing
// that a planner could guess wrong, and the cost of a scan is that of its rows. Reads that overlap
// (a week that is also another week's counterpart) lie in different layers, each scanned by itself.
#pragma once

#include <vector>

#include "engine/query/plan.hpp"

namespace kpi::engine {

// Ranges are what a scan visits: consecutive days in one go.
struct DayLayer {
    Date base;                   // the day of reads[0]
    std::vector<int32_t> reads;  // by day from base on; -1: none
    std::vector<int32_t> from, to;
};

struct HourLayer {
    // span i is [starts[i], starts[i + 1]) and counts on days[i] only; read -1: a gap
    std::vector<Timestamp> starts;
    std::vector<int32_t> reads, days;
    std::vector<Timestamp> cuts;
    std::vector<int32_t> weights;
    bool cuts_any = false;
    std::vector<int32_t> day_from, day_to;
    std::vector<Timestamp> from, to;
};

// apart: a range for every day, for scans that look for one segment.
std::vector<DayLayer> day_layers(const DayReads &reads, bool apart);
std::vector<HourLayer> hour_layers(const HourReads &reads, bool apart);

}  // namespace kpi::engine
