#include "monitor/rule/series_nature.hpp"

#include <algorithm>
#include <cmath>

#include "monitor/metric_series.hpp"
#include "monitor/rule/reading.hpp"
#include "pg/clock.hpp"

namespace kpi::monitor {
namespace {

using engine::SeriesSet;

double largest(const SeriesSet &set, size_t metric) {
    double most = 0;
    for (size_t s = 0; s < set.segments.size(); ++s)
        for (size_t b = 0; b < set.buckets.size(); ++b)
            if (const double v = set.values_of(metric, s)[b]; std::isfinite(v))
                most = std::max(most, v);
    return most;
}

}  // namespace

engine::SeriesRequest request_of(const Rule &rule, Timestamp at, int back) {
    engine::SeriesRequest request;
    request.metrics = metrics_of(rule);
    request.filters = rule.filters;
    request.by = rule.by;
    request.grain = rule.question.grain;
    request.back = back;
    request.now = at;
    return request;
}

std::vector<std::int64_t> periods_of(const engine::SeriesSet &set, Grain grain) {
    std::vector<std::int64_t> out;
    const Zone zone = pg::zone(set.zone);
    for (const Bucket &bucket : set.buckets) {
        const std::int64_t local = zone.local(bucket.start).microseconds;
        if (grain == Grain::hour)
            out.push_back(local / kHour);
        else if (grain == Grain::month)
            out.push_back(std::int64_t(out.size()));
        else
            out.push_back(bucket.day.days / (grain == Grain::week ? 7 : 1));
    }
    return out;
}

int known_of(const engine::SeriesSet &set, size_t metric) {
    const size_t closed = set.buckets.size() - 1;
    size_t first = closed;
    for (size_t s = 0; s < set.segments.size(); ++s) {
        const double *values = set.values_of(metric, s);
        size_t i = 0;
        while (i < first && !(std::isfinite(values[i]) && values[i] != 0)) ++i;
        first = std::min(first, i);
    }
    return int(closed - first);
}

void set_nature(Memory &memory, const Rule &rule, const engine::SeriesSet &set, size_t metric) {
    memory.paced = !rule.ratio && !is_level(rule.metric);
    if (!rule.ratio) return;
    memory.is_rate = rule.ratio->is_percent || largest(set, metric) <= 1;
    memory.unit = rule.ratio->is_percent ? 100 : 1;
}

Inquiry with_nature(Inquiry q, const Memory &memory) {
    q.paced = memory.paced;
    q.is_rate = memory.is_rate;
    q.unit = memory.unit;
    return q;
}

Marks::Marks(const engine::SeriesSet &set, const CalendarDays &days, const nlohmann::json &segment,
             Grain grain) {
    const bool daily = grain == Grain::day || grain == Grain::hour;
    for (const Bucket &bucket : set.buckets) {
        const Entry *entry = days.entry(bucket, grain, segment);
        // What some days of a week or month are says nothing about the level of the whole.
        if (!daily && entry != nullptr && entry->effect != detect::Effect::ignore) entry = nullptr;
        effects.push_back(entry == nullptr ? detect::Effect::none : entry->effect);
        events.push_back(entry == nullptr ? 0 : entry->identity);
    }
}

}  // namespace kpi::monitor
