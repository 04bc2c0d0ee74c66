#include "monitor/history/restatements.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/query/series.hpp"
#include "monitor/place.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

constexpr double kNoise = 1e-12;  // sums of floating point differ by their order

bool differ(double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) != std::isnan(b);
    return std::fabs(a - b) > kNoise * std::max(std::fabs(a), std::fabs(b));
}

}  // namespace

std::vector<Restatement> restatements(const HistoryKey &key, Timestamp from, Which which) {
    // What may be read, and the clock.
    const auto now = engine::read_series(request_of(key, 1));
    Past past;
    {
        const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
        past = first_seen(key, from);
    }
    if (past.empty()) return {};
    const auto sets = engine::read_series(
        request_of(key, reach(key.grain, past.begin()->first, now.front().now.microseconds)));
    const Place metric = place_of(sets, key.metric);
    const std::vector<Bucket> &buckets = metric.set->buckets;
    std::vector<Restatement> out;
    for (size_t i = 0; i + 1 < buckets.size(); ++i) {
        const auto found = past.find(buckets[i].start.microseconds);
        if (found == past.end()) continue;
        std::set<std::string> segments(metric.set->segments.begin(), metric.set->segments.end());
        for (const auto &[segment, seen] : found->second.segments) segments.insert(segment);
        for (const std::string &segment : segments) {
            const auto seen = found->second.segments.find(segment);
            const double before =
                seen == found->second.segments.end() ? std::nan("") : seen->second.value;
            const double *values = metric.values(segment);
            const double today = values == nullptr ? std::nan("") : values[i];
            if (which == Which::all ? !std::isnan(before) || !std::isnan(today)
                                    : differ(before, today))
                out.push_back({buckets[i].start, segment, found->second.seen_at, before, today});
        }
    }
    return out;
}

}  // namespace kpi::monitor
