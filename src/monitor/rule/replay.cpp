#include "monitor/rule/replay.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "monitor/place.hpp"
#include "monitor/rule/reading.hpp"
#include "monitor/rule/series_nature.hpp"

namespace kpi::monitor {
namespace {

using engine::SeriesSet;

// Values of one series, bucket by bucket.
struct Line {
    std::vector<double> values, trials;
};

Line line_of(const Place &metric, const Place &denominator, const std::string &segment,
             const Past &past) {
    const SeriesSet &set = *metric.set;
    const size_t size = set.buckets.size();
    const auto copy = [size](const double *values) {
        return values == nullptr ? std::vector<double>(size, kNone)
                                 : std::vector<double>(values, values + size);
    };
    Line line;
    line.values = copy(metric.values(segment));
    if (denominator.set != nullptr) line.trials = copy(denominator.values(segment));
    for (size_t i = 0; i < size && !past.empty(); ++i) {
        const auto bucket = past.find(set.buckets[i].start.microseconds);
        if (bucket == past.end()) continue;
        const auto seen = bucket->second.segments.find(segment);
        const bool was = seen != bucket->second.segments.end();
        line.values[i] = was ? seen->second.value : kNone;
        if (!line.trials.empty()) line.trials[i] = was ? seen->second.trials : kNone;
    }
    return line;
}

// Those of today, and those that had rows once.
std::vector<std::string> segments_of(const SeriesSet &set, const Past &past) {
    std::vector<std::string> out = set.segments;
    for (const Bucket &bucket : set.buckets) {
        const auto found = past.find(bucket.start.microseconds);
        if (found == past.end()) continue;
        for (const auto &[segment, seen] : found->second.segments)
            if (!set.segment(segment)) out.push_back(segment);
    }
    std::sort(out.begin() + std::ptrdiff_t(set.segments.size()), out.end());
    out.erase(std::unique(out.begin() + std::ptrdiff_t(set.segments.size()), out.end()), out.end());
    return out;
}

}  // namespace

Replay replay(const Rule &rule, Timestamp end, int buckets, const Past &past) {
    const Grain grain = rule.question.grain;
    const size_t back = size_t(history_of(rule.question));
    const auto sets = engine::read_series(request_of(rule, end, int(back) + buckets));
    const Place metric = place_of(sets, rule.metric);
    const SeriesSet &set = *metric.set;
    Memory nature;
    set_nature(nature, rule, set, metric.metric);
    Inquiry question = with_nature(rule.question, nature);
    question.look = Look::closed;
    const auto metrics = metrics_of(rule);
    const Place trials =
        nature.is_rate && metrics.size() > 1 ? place_of(sets, metrics[1]) : Place{};
    const std::vector<std::int64_t> periods = periods_of(set, grain);
    const CalendarDays days(set.buckets.front(), set.buckets.back());
    const int known = known_of(set, metric.metric);
    const auto born = std::ptrdiff_t(set.buckets.size()) - 1 - known;
    Replay out;
    for (size_t last = back; last + 1 < set.buckets.size(); ++last) {
        ++out.buckets;
        if (past.contains(set.buckets[last].start.microseconds)) ++out.first_seen;
    }
    for (const std::string &segment : segments_of(set, past)) {
        const Line line = line_of(metric, trials, segment, past);
        const std::span values(line.values), counts(line.trials);
        const Marks marks(set, days, nlohmann::json::parse(segment), grain);
        for (size_t last = back; last + 1 < set.buckets.size(); ++last) {
            const size_t first = last + 1 - back;
            History history;
            history.values = values.subspan(first, back);
            if (!counts.empty()) history.trials = counts.subspan(first, back);
            history.periods = std::span(periods).subspan(first, back + 1);
            history.effects = std::span(marks.effects).subspan(first, back + 1);
            history.events = std::span(marks.events).subspan(first, back + 1);
            history.known = std::max(0, int(std::ptrdiff_t(last) + 1 - born));
            Observed observed;
            observed.closed = values[last];
            if (nature.paced && std::isnan(observed.closed)) observed.closed = 0;
            if (!counts.empty()) observed.closed_trials = counts[last];
            out.judged.push_back({segment, set.buckets[last].start,
                                  judge(question, make_outlook(question, history), observed)});
        }
    }
    return out;
}

}  // namespace kpi::monitor
