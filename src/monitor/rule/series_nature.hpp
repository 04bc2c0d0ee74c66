// What must be known of a rule's series before they can be judged: how they are asked for, what the
// metric is, where its buckets are on their grid, what the calendar says of them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/query/series.hpp"
#include "monitor/judge/memory.hpp"
#include "monitor/rule/calendar_days.hpp"
#include "monitor/rule/rule.hpp"

namespace kpi::monitor {

// So many buckets before the one that holds the moment.
engine::SeriesRequest request_of(const Rule &rule, Timestamp at, int back);
// The number of each bucket on its grid.
std::vector<std::int64_t> periods_of(const engine::SeriesSet &set, Grain grain);
// Closed buckets since anything was there.
int known_of(const engine::SeriesSet &set, size_t metric);
// Whether the metric is a sum, a level, a rate or another quotient.
void set_nature(Memory &memory, const Rule &rule, const engine::SeriesSet &set, size_t metric);
Inquiry with_nature(Inquiry q, const Memory &memory);

// Effects of the calendar on the buckets, for one segment or for all.
struct Marks {
    std::vector<detect::Effect> effects;
    std::vector<std::uint32_t> events;

    Marks(const engine::SeriesSet &set, const CalendarDays &days, const nlohmann::json &segment,
          Grain grain);
};

}  // namespace kpi::monitor
