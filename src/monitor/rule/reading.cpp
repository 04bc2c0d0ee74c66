#include "monitor/rule/reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <tuple>
#include <unordered_set>

#include "core/error.hpp"
#include "detect/open_share.hpp"
#include "detect/segments.hpp"
#include "monitor/place.hpp"
#include "monitor/rule/calendar_days.hpp"
#include "monitor/rule/series_nature.hpp"

namespace kpi::monitor {
namespace {

using engine::SeriesSet;

// Shares of the open bucket at the two moments of a memory.
class Shares {
public:
    Shares(const Rule &rule, const SeriesSet &history, const Memory &memory, bool wanted)
        : rule_(rule), memory_(memory) {
        const Bucket &open = history.buckets.back();
        elapsed_then_ = elapsed(open, {memory.then});
        elapsed_next_ = elapsed(open, {std::min(memory.next, open.end.microseconds)});
        // The grains of which kpi.query knows what is usually there by now.
        const Grain grain = rule.question.grain;
        wanted_ = wanted && (grain == Grain::day || grain == Grain::week);
        if (!wanted_) return;
        then_ = read(rule.by, {memory.then});
        next_ = read(rule.by, {std::min(memory.next, open.end.microseconds) - 1});
        if (rule.by.empty()) return;
        whole_then_ = read({}, {memory.then});
        whole_next_ = read({}, {std::min(memory.next, open.end.microseconds) - 1});
    }

    // `usual`: of the whole bucket, of the segment and of all of them together.
    std::pair<double, double> of(const std::string &segment, double usual,
                                 double usual_whole) const {
        if (!wanted_) return {elapsed_then_, elapsed_next_};
        const auto share = [&](const auto &own, const auto &whole, double by_clock) -> double {
            // Nobody knows the shape of the day yet: by the clock every night would be silent.
            if (!knows_shape()) return 0;
            const detect::UsualPeriod mine{place_of(own, rule_.metric).expected(segment), usual};
            if (rule_.by.empty()) return detect::open_share(mine, mine, by_clock);
            const detect::UsualPeriod all{place_of(whole, rule_.metric).expected("{}"),
                                          usual_whole};
            return detect::open_share(mine, all, by_clock);
        };
        const double then = share(then_, whole_then_, elapsed_then_);
        return {then, std::max(then, share(next_, whole_next_, elapsed_next_))};
    }

private:
    bool knows_shape() const {
        const auto &whole = rule_.by.empty() ? next_ : whole_next_;
        return std::isfinite(place_of(whole, rule_.metric).expected("{}"));
    }

    std::vector<SeriesSet> read(const std::vector<std::string> &by, Timestamp at) const {
        engine::SeriesRequest request = request_of(rule_, at, 0);
        request.metrics = {rule_.metric};
        request.by = by;
        request.expected = true;
        return engine::read_series(request);
    }

    const Rule &rule_;
    const Memory &memory_;
    bool wanted_ = false;
    double elapsed_then_ = 0, elapsed_next_ = 1;
    std::vector<SeriesSet> then_, next_, whole_then_, whole_next_;
};

// The median of the cell that the open bucket is in.
double usual_of(const double *values, const std::vector<std::int64_t> &periods, Grain grain,
                int known) {
    std::vector<double> same;
    const int cell = cell_of(grain, periods.back());
    const size_t closed = periods.size() - 1;
    for (size_t i = closed; i-- > 0 && same.size() < 8;)
        if (cell_of(grain, periods[i]) == cell && std::isfinite(values[i]) &&
            is_known(i, closed, known))
            same.push_back(values[i]);
    return median(same);
}

void set_moments(Memory &memory, const SeriesSet &set, Grain grain) {
    const Bucket &open = set.buckets.back();
    memory.bucket = open.start.microseconds;
    const std::int64_t hour = std::max<std::int64_t>(
        set.now.microseconds - ((set.now.microseconds % kHour) + kHour) % kHour, memory.bucket);
    memory.then = grain == Grain::hour ? memory.bucket : hour;
    memory.next = grain == Grain::hour
                      ? open.end.microseconds
                      : std::min(hour + kHour - hour % kHour, open.end.microseconds);
}

Memory make_memory(const Rule &rule, Timestamp at) {
    const std::vector<SeriesSet> sets =
        engine::read_series(request_of(rule, at, history_of(rule.question)));
    const Place metric = place_of(sets, rule.metric);
    const SeriesSet &set = *metric.set;
    const Grain grain = rule.question.grain;
    Memory memory;
    memory.signature = rule.signature();
    set_moments(memory, set, grain);
    set_nature(memory, rule, set, metric.metric);
    memory.known = known_of(set, metric.metric);
    const Inquiry question = with_nature(rule.question, memory);
    const std::vector<std::int64_t> periods = periods_of(set, grain);
    const CalendarDays days(set.buckets.front(), set.buckets.back());
    const Marks everywhere(set, days, {}, grain);
    const Shares shares(rule, set, memory, question.look == Look::open && question.paced);
    const size_t closed = set.buckets.size() - 1;
    std::vector<double> whole(set.buckets.size(), 0);
    for (size_t s = 0; s < set.segments.size(); ++s)
        for (size_t b = 0; b < closed; ++b)
            if (const double v = set.values_of(metric.metric, s)[b]; std::isfinite(v))
                whole[b] += v;
    const double usual_whole = usual_of(whole.data(), periods, grain, memory.known);
    const auto denominator =
        metrics_of(rule).size() > 1 ? place_of(sets, metrics_of(rule)[1]) : Place{};
    for (const std::string &segment : set.segments) {
        const double *values = metric.values(segment);
        // It has rows of another metric only.
        if (!rule.by.empty() && std::none_of(values, values + set.buckets.size(),
                                             [](double v) { return std::isfinite(v); }))
            continue;
        const double *trials = memory.is_rate ? denominator.values(segment) : nullptr;
        std::optional<Marks> own;
        if (days.has_scopes()) own.emplace(set, days, nlohmann::json::parse(segment), grain);
        const Marks &marks = own ? *own : everywhere;
        History history;
        history.values = {values, closed};
        if (trials != nullptr) history.trials = {trials, closed};
        history.periods = periods;
        history.effects = marks.effects;
        history.events = marks.events;
        history.known = memory.known;
        std::tie(history.share_then, history.share_next) =
            shares.of(segment, usual_of(values, periods, grain, memory.known), usual_whole);
        memory.outlooks.push_back(make_outlook(question, history));
        memory.segments.push_back(segment);
    }
    return memory;
}

// What is judged together: anomalies of many segments, so that few of the alarms are false.
void control_false_alarms(const Rule &rule, std::vector<Found> &found) {
    if (rule.question.condition != Condition::anomaly || rule.by.empty()) return;
    std::vector<double> p;
    p.reserve(found.size());
    for (const Found &one : found) p.push_back(one.verdict.p);
    const std::vector<bool> believed = detect::benjamini_hochberg(p, rule.fdr);
    for (size_t i = 0; i < found.size(); ++i) {
        Verdict &v = found[i].verdict;
        if (v.seen == Seen::bad && !believed[i]) v.seen = Seen::unclear;
        // What is open stays so while it is out by itself.
        if (v.seen == Seen::good && v.p <= rule.fdr) v.seen = Seen::unclear;
    }
}

Observed observed_of(const Place &metric, const Place &trials, const std::string &segment,
                     const Memory &memory) {
    const SeriesSet &set = *metric.set;
    const size_t last = set.buckets.size() - 1;
    Observed out;
    out.within = memory.within(set.now.microseconds);
    out.elapsed = set.elapsed;
    if (const double *values = metric.values(segment)) {
        out.open = values[last];
        if (last > 0) out.closed = values[last - 1];
    } else if (memory.paced) {
        out.open = out.closed = 0;  // no rows: a sum of nothing
    }
    if (memory.paced && std::isnan(out.open)) out.open = 0;
    if (memory.paced && std::isnan(out.closed)) out.closed = 0;
    if (const double *n = trials.values(segment)) {
        out.open_trials = n[last];
        if (last > 0) out.closed_trials = n[last - 1];
    } else if (memory.is_rate) {
        out.open_trials = out.closed_trials = 0;
    }
    return out;
}

}  // namespace

std::vector<std::string> metrics_of(const Rule &rule) {
    std::vector<std::string> metrics{rule.metric};
    if (rule.ratio && rule.ratio->denominator != rule.metric)
        metrics.push_back(rule.ratio->denominator);
    return metrics;
}

std::vector<SeriesSet> read_now(const std::vector<const Rule *> &rules, Timestamp at) {
    engine::SeriesRequest request = request_of(*rules.front(), at, 1);
    for (const Rule *rule : rules)
        for (const std::string &metric : metrics_of(*rule))
            if (std::find(request.metrics.begin(), request.metrics.end(), metric) ==
                request.metrics.end())
                request.metrics.push_back(metric);
    return engine::read_series(request);
}

bool is_current(const Rule &rule, const std::vector<SeriesSet> &now,
                const std::optional<Memory> &kept) {
    const SeriesSet &set = *place_of(now, rule.metric).set;
    return kept && kept->usable(rule.signature(), set.buckets.back().start.microseconds,
                                set.now.microseconds);
}

Reading read_rule(const Rule &rule, const std::vector<SeriesSet> &now,
                  const std::optional<Memory> &kept) {
    Reading reading;
    const Place metric = place_of(now, rule.metric);
    const SeriesSet &set = *metric.set;
    const size_t last = set.buckets.size() - 1;
    reading.zone = set.zone;
    reading.now = set.now;
    reading.sources = set.sources;
    const bool closed = rule.question.look == Look::closed;
    reading.bucket = set.buckets[closed && last > 0 ? last - 1 : last];
    if (is_current(rule, now, kept)) {
        reading.memory = *kept;
    } else {
        reading.memory = make_memory(rule, set.now);
        reading.made = true;
    }
    const Memory &memory = reading.memory;
    reading.question = with_nature(rule.question, memory);
    const auto metrics = metrics_of(rule);
    const Place trials = memory.is_rate && metrics.size() > 1 ? place_of(now, metrics[1]) : Place{};
    for (size_t i = 0; i < memory.segments.size(); ++i) {
        const std::string &segment = memory.segments[i];
        reading.found.push_back({segment, judge(reading.question, memory.outlooks[i],
                                                observed_of(metric, trials, segment, memory))});
    }
    const std::unordered_set<std::string> seen(memory.segments.begin(), memory.segments.end());
    for (const std::string &segment : set.segments)
        if (!seen.contains(segment))
            reading.found.push_back(
                {segment, judge(reading.question, outlook_of_nothing(memory.known),
                                observed_of(metric, trials, segment, memory))});
    control_false_alarms(rule, reading.found);
    return reading;
}

std::vector<double> recent_values(const Rule &rule, const std::string &segment, Timestamp at,
                                  int buckets) {
    Rule one = rule;
    auto filters = nlohmann::json::parse(rule.filters);
    filters.update(nlohmann::json::parse(segment));
    one.filters = filters.dump();
    one.by.clear();
    const auto sets = engine::read_series(request_of(one, at, buckets));
    const Place metric = place_of(sets, rule.metric);
    const double *values = metric.values("{}");
    if (values == nullptr) return {};
    return {values, values + metric.set->buckets.size() - 1};
}

}  // namespace kpi::monitor
