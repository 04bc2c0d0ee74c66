#include "engine/query/funnel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "core/error.hpp"
#include "core/funnel.hpp"
#include "engine/query/read_settings.hpp"
#include "engine/query/steps.hpp"
#include "pg/clock.hpp"
#include "pg/key_runs.hpp"

namespace kpi::engine {
namespace {

constexpr int32_t kMostDays = 3660;

int64_t floor_units(int64_t microseconds, int64_t unit) { return microseconds / unit * unit; }
int64_t ceil_units(int64_t microseconds, int64_t unit) {
    return floor_units(microseconds + unit - 1, unit);
}

// How long an attempt may take, for times of one resolution. Nothing that happened within the
// length is later than last(), and what is before surely() is within it, whatever the minutes.
class Window {
public:
    Window(Length within, Resolution resolution, const Zone &zone)
        : within_(within), resolution_(resolution), zone_(zone) {}

    int64_t last(int64_t begin) const { return after(begin, true); }
    int64_t surely(int64_t begin) const { return after(begin, false); }

private:
    int64_t after(int64_t begin, bool up) const {
        const int64_t unit = resolution_ == Resolution::hour ? kHour : kDay;
        const int64_t rest =
            up ? ceil_units(within_.microseconds, unit) : floor_units(within_.microseconds, unit);
        if (resolution_ == Resolution::day) return begin + within_.days + rest / kDay;
        return days_after(begin) + rest;
    }

    // Hours come again and again, and a zone takes its time.
    int64_t days_after(int64_t begin) const {
        if (within_.days == 0) return begin;
        const auto [found, fresh] = days_after_.try_emplace(begin);
        if (fresh)
            found->second =
                zone_.instant({zone_.local({begin}).microseconds + int64_t(within_.days) * kDay})
                    .microseconds;
        return found->second;
    }

    Length within_;
    Resolution resolution_;
    const Zone &zone_;
    mutable std::unordered_map<int64_t, int64_t> days_after_;
};

void check(const FunnelRequest &request) {
    if (request.steps.size() < 2)
        throw Error("22023", "a funnel has at least two steps", {},
                    "For example kpi.funnel('{lead_customers,paying_customers}').");
    const Length &within = request.within;
    if (within.days < 0 || within.microseconds < 0 || within.days > kMostDays ||
        within.microseconds > kMostDays * kDay)
        throw Error("22023",
                    fmt::format("argument \"within\" must be between 0 and {} days", kMostDays));
}

// A range of whole days or hours.
StepRange first_range(const Range &range, Resolution resolution) {
    const int64_t unit = resolution == Resolution::hour ? kHour : kDay;
    if (range.local_from.microseconds % unit != 0 || range.local_to.microseconds % unit != 0)
        throw Error(
            "22023", fmt::format("the range must begin and end with a whole {}", name(resolution)),
            {},
            resolution == Resolution::day
                ? "Hours are not kept of all of it. Give dates, or ask with grain => 'hour'."
                : "Nothing is kept of the minutes.");
    return {date_of(range.local_from), date_of({range.local_to.microseconds - 1}), range.from,
            range.to};
}

// What a segment has: by step how many keys, how many surely, and how long after the step before.
struct Tally {
    std::vector<int64_t> reached, surely;
    std::vector<Occurrences> took;
};

class Counter {
public:
    Counter(const FunnelRequest &request, const Window &window, Resolution resolution)
        : steps_(request.steps.size()), unit_(resolution == Resolution::hour ? 1 : kDay) {
        most_.steps = surely_.steps = int(steps_);
        surely_.later.assign(steps_, true);
        most_.until = [&window](int64_t begin) { return window.last(begin); };
        surely_.until = [&window](int64_t begin) { return window.surely(begin) - 1; };
    }

    // The same step once more is another event: a later one.
    void compare_steps(const std::vector<Step> &steps) {
        most_.later.assign(steps_, false);
        for (size_t s = 1; s < steps_; ++s) most_.later[s] = same(steps[s - 1], steps[s]);
    }

    void read(pg::KeyRuns &runs, int64_t max_rows) {
        std::vector<pg::KeyEvent> rows;
        std::vector<FunnelEvent> events;
        while (runs.next(rows)) {
            events.clear();
            for (const pg::KeyEvent &row : rows) events.push_back({row.step, row.segment, row.at});
            if (events.empty() || events[0].step != 0) continue;
            if (max_rows > 0 && int64_t(runs.segments() * steps_) > max_rows)
                throw Error("54000", fmt::format("the answer has more than {} rows", max_rows), {},
                            "Raise max_rows, filter, or ask for fewer dimensions.");
            add(best_attempts(events, most_), best_attempts(events, surely_));
        }
    }

    const Tally &of(size_t segment) {
        make(segment);
        return tallies_[segment];
    }

private:
    static bool same(const Step &a, const Step &b) {
        const auto filter = [](const Filter &x, const Filter &y) {
            return x.dimension == y.dimension && x.negated == y.negated && x.like == y.like &&
                   x.values == y.values && x.with_null == y.with_null;
        };
        return a.metric == b.metric && std::equal(a.filters.begin(), a.filters.end(),
                                                  b.filters.begin(), b.filters.end(), filter);
    }

    void make(size_t segment) {
        while (tallies_.size() <= segment)
            tallies_.push_back({std::vector<int64_t>(steps_), std::vector<int64_t>(steps_),
                                std::vector<Occurrences>(steps_)});
    }

    void add(const std::vector<FunnelAttempt> &most, const std::vector<FunnelAttempt> &surely) {
        for (const FunnelAttempt &attempt : most) {
            make(attempt.segment);
            Tally &tally = tallies_[attempt.segment];
            for (size_t s = 0; s < attempt.times.size(); ++s) {
                ++tally.reached[s];
                if (s == 0) continue;
                const size_t before = tally.took[s].distinct();
                tally.took[s].add((attempt.times[s] - attempt.times[s - 1]) * unit_);
                kept_ += tally.took[s].distinct() - before;
            }
        }
        for (const FunnelAttempt &attempt : surely)
            for (size_t s = 0; s < attempt.times.size(); ++s) ++tallies_[attempt.segment].surely[s];
        pg::check_work_memory(kept_ * kOccurrence + tallies_.size() * steps_ * kTally,
                              "the segments of the funnel");
    }

    // Bytes, about.
    static constexpr size_t kOccurrence = 48, kTally = 96;

    size_t steps_;
    int64_t unit_;  // microseconds of one unit of time
    size_t kept_ = 0;
    FunnelRules most_, surely_;
    std::vector<Tally> tallies_;
};

}  // namespace

void funnel(const FunnelRequest &request, pg::ResultSet &out) {
    check(request);
    const pg::LocalSettings settings = read_settings();
    const Steps steps = load_steps(request.steps, request.filters, request.by);
    const Zone zone = pg::zone(steps.zone);
    const std::optional<std::string_view> end = request.end;
    const Range range = parse_range(request.start, end, steps.now, zone);
    const Date first = date_of(range.local_from);
    check_length(first, date_of(range.local_to));
    const Resolution resolution = request.grain ? parse_resolution(*request.grain, steps, first)
                                                : resolution_of(steps, first);
    const Window window(request.within, resolution, zone);
    std::vector<StepRange> ranges{first_range(range, resolution)};
    // Later steps may come after the range.
    StepRange later = ranges[0];
    if (resolution == Resolution::hour) {
        later.to = {window.last(later.to.microseconds - kHour) + kHour};
        later.last = date_of(zone.local({later.to.microseconds - 1}));
    } else {
        later.last = {int32_t(window.last(later.last.days))};
        later.to = zone.instant(midnight(later.last + 1));
    }
    ranges.insert(ranges.end(), steps.steps.size() - 1, later);

    const pg::RunAs as_owner(steps.owner, pg::Restriction::reading);
    const Statement statement = steps_statement(steps, ranges, resolution);
    pg::KeyRuns runs(statement.sql, statement.params, int(request.by.size()),
                     segment_label(request.by));
    Counter counter(request, window, resolution);
    counter.compare_steps(steps.steps);
    counter.read(runs, request.max_rows);
    const std::vector<pg::Value> labels = runs.labels();
    const pg::Value word = pg::text_value(std::string(name(resolution)));
    for (const uint32_t segment : runs.in_order(labels)) {
        const Tally &tally = counter.of(segment);
        if (tally.reached[0] == 0 && !request.by.empty()) continue;
        for (size_t s = 0; s < steps.steps.size(); ++s) {
            const int64_t reached = tally.reached[s];
            const Timestamp closes = s == 0 ? range.to : later.to;
            pg::append(
                out,
                {pg::integer_value(int32_t(s + 1)), pg::text_value(steps.steps[s].metric),
                 labels[segment], pg::bigint_value(reached), pg::bigint_value(tally.surely[s]),
                 pg::Value(pg::percent(reached, tally.reached[0])),
                 s == 0 ? pg::Value() : pg::Value(pg::percent(reached, tally.reached[s - 1])),
                 s == 0 || reached == 0 ? pg::Value() : pg::interval_value(tally.took[s].median()),
                 word, pg::Value(closes <= steps.now), pg::Value(steps.now)});
        }
    }
}

}  // namespace kpi::engine
