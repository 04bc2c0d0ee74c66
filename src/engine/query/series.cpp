#include "engine/query/series.hpp"

#include <algorithm>

#include "engine/query/grid.hpp"
#include "engine/query/groups.hpp"
#include "engine/query/past_sums.hpp"
#include "engine/query/plan.hpp"
#include "engine/query/read_settings.hpp"
#include "pg/clock.hpp"

namespace kpi::engine {
namespace {

// So many buckets earlier, on the wall clock.
Timestamp earlier(Grain grain, const Bucket &bucket, int back, const Zone &zone) {
    if (grain == Grain::hour) return {bucket.start.microseconds - back * kHour};
    Date day = bucket.day;
    switch (grain) {
        case Grain::week:
            day = day + (-7 * back);
            break;
        case Grain::month:
            day = add_months(day, -back);
            break;
        case Grain::quarter:
            day = add_months(day, -3 * back);
            break;
        case Grain::year:
            day = add_months(day, -12 * back);
            break;
        default:
            day = day + (-back);
            break;
    }
    return zone.instant(midnight(day));
}

Range range_of(const SeriesRequest &request, Timestamp now, const Zone &zone) {
    const Bucket last = bucket_at(request.grain, now, zone);
    Range range;
    range.from = earlier(request.grain, last, request.back, zone);
    range.to = last.end;
    range.local_from = zone.local(range.from);
    range.local_to = zone.local(range.to);
    return range;
}

SeriesSet read_group(const TimedGroup &timed, const SeriesRequest &request) {
    const Zone zone = pg::zone(timed.zone);
    std::vector<SourceDays> days;
    SeriesSet out;
    for (const SourceUse &use : timed.group.sources) {
        days.push_back(use.days);
        out.sources.push_back(use.info.name);
    }
    const pg::RunAs as_owner(timed.owner, pg::Restriction::reading);
    if (request.expected) find_past_sums(timed.group, days);
    const PlanRequest wanted{request.grain, Compare::none, request.expected, 0};
    const Plan plan = make_plan(wanted, range_of(request, timed.now, zone), timed.now, zone, days);
    out.zone = timed.zone;
    out.now = timed.now;
    for (const PlannedBucket &planned : plan.buckets) out.buckets.push_back(planned.bucket);
    out.elapsed = elapsed(out.buckets.back(), timed.now);
    for (const Metric &metric : timed.group.metrics) out.metrics.push_back(metric.name);
    Top top;
    const Grid grid = read_grid(timed.group, plan, {}, top);
    // A segment has a series of each metric whose sources have rows of it.
    std::vector<size_t> segment_of;
    uintptr_t last = 0;
    for (const Series &series : grid.series) {
        if (out.segments.empty() || series.segment.datum != last) {
            last = series.segment.datum;
            std::string text = pg::jsonb_text(series.segment);
            if (out.place.emplace(text, out.segments.size()).second)
                out.segments.push_back(std::move(text));
        }
        segment_of.push_back(out.segments.size() - 1);
    }
    const size_t cells = out.metrics.size() * out.segments.size();
    constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();
    out.values.assign(cells * out.buckets.size(), kAbsent);
    if (request.expected) out.expected.assign(cells, kAbsent);
    for (size_t i = 0; i < grid.series.size(); ++i) {
        const Series &series = grid.series[i];
        const size_t row = series.metric * out.segments.size() + segment_of[i];
        double *values = out.values.data() + row * out.buckets.size();
        for (size_t b = 0; b < out.buckets.size(); ++b) values[b] = pg::as_double(series.values[b]);
        if (request.expected) out.expected[row] = pg::as_double(series.expected);
    }
    return out;
}

}  // namespace

std::vector<SeriesSet> read_series(const SeriesRequest &request) {
    const pg::LocalSettings settings = read_settings();
    std::vector<SeriesSet> out;
    for (const TimedGroup &timed :
         load_groups(request.metrics, request.by, request.filters, request.now))
        out.push_back(read_group(timed, request));
    return out;
}

}  // namespace kpi::engine
