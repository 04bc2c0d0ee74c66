#include "engine/query/retention.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "engine/query/read_settings.hpp"
#include "engine/query/steps.hpp"
#include "pg/clock.hpp"
#include "pg/key_runs.hpp"

namespace kpi::engine {
namespace {

constexpr int32_t kMostPeriods = 1000;

// Periods of one grain by number: consecutive ones differ by 1.
class Periods {
public:
    explicit Periods(Grain grain) : grain_(grain) {
        if (grain != Grain::hour && grain != Grain::total) return;
        throw Error("22023", fmt::format("cohorts by {} make no sense", name(grain)), {},
                    "grain is day, week, month, quarter or year.");
    }

    int32_t of(Date day) const {
        switch (grain_) {
            case Grain::day:
                return day.days;
            case Grain::week:
                return (week_start(day) - kMonday) / 7;
            default:
                const Civil c = civil(day);
                return (c.year * 12 + c.month - 1) / months();
        }
    }
    Date start(int32_t period) const {
        switch (grain_) {
            case Grain::day:
                return {period};
            case Grain::week:
                return kMonday + 7 * period;
            default:
                const int32_t month = period * months();
                return date({month / 12, month % 12 + 1, 1});
        }
    }

private:
    static constexpr Date kMonday{2};  // 2000-01-03

    int32_t months() const {
        if (grain_ == Grain::month) return 1;
        return grain_ == Grain::quarter ? 3 : 12;
    }

    Grain grain_;
};

// Keys by segment, cohort and period; period 0 is the cohort's own.
class Cohorts {
public:
    Cohorts(const RetentionRequest &request, const Periods &periods, Date first, Date last)
        : request_(request),
          periods_(periods),
          first_day_(first),
          last_day_(last),
          first_(periods.of(first)),
          count_(periods.of(last) - first_ + 1) {}

    void read(pg::KeyRuns &runs) {
        std::vector<pg::KeyEvent> events;
        while (runs.next(events)) add(events);
    }

    int32_t count() const { return count_; }
    int32_t cohort(int32_t number) const { return first_ + number; }
    int64_t size(size_t segment, int32_t cohort) { return at(segment).sizes[size_t(cohort)]; }
    int64_t returned(size_t segment, int32_t cohort, int32_t period) {
        return at(segment).returned[place(cohort, period)];
    }
    bool empty(size_t segment) {
        const auto &sizes = at(segment).sizes;
        return std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size == 0; });
    }

private:
    struct Segment {
        std::vector<int64_t> sizes, returned;
    };

    size_t place(int32_t cohort, int32_t period) const {
        return size_t(cohort) * size_t(request_.periods + 1) + size_t(period);
    }

    Segment &at(size_t segment) {
        while (segments_.size() <= segment) {
            segments_.push_back(
                {std::vector<int64_t>(size_t(count_)), std::vector<int64_t>(place(count_, 0))});
            pg::check_work_memory(segments_.size() * place(count_, 1) * sizeof(int64_t),
                                  "the cohorts and segments");
        }
        return segments_[segment];
    }

    // Of one key. Events are by step, then segment, then time.
    void add(const std::vector<pg::KeyEvent> &events) {
        if (events.empty() || events[0].step != 0) return;
        int64_t first = INT64_MAX;
        for (const pg::KeyEvent &event : events)
            if (event.step == 0) first = std::min(first, event.at);
        if (first < first_day_.days || first > last_day_.days) return;
        const int32_t own = periods_.of({int32_t(first)});
        came_.assign(size_t(request_.periods + 1), false);
        const int32_t step = request_.returning ? 1 : 0;
        for (const pg::KeyEvent &event : events) {
            if (event.step != step || event.at < first) continue;
            const int32_t period = periods_.of({int32_t(event.at)}) - own;
            if (period <= request_.periods) came_[size_t(period)] = true;
        }
        for (const pg::KeyEvent &event : events) {
            if (event.step != 0 || event.at != first) continue;
            Segment &segment = at(event.segment);
            ++segment.sizes[size_t(own - first_)];
            for (int32_t p = 0; p <= request_.periods; ++p)
                segment.returned[place(own - first_, p)] += came_[size_t(p)] ? 1 : 0;
        }
    }

    const RetentionRequest &request_;
    const Periods &periods_;
    Date first_day_, last_day_;
    int32_t first_, count_;
    std::vector<Segment> segments_;
    std::vector<bool> came_;
};

// Rows of a request, of one segment after the other.
class Writer {
public:
    Writer(const RetentionRequest &request, const Periods &periods, const Steps &steps,
           const Zone &zone, pg::ResultSet &out)
        : request_(request), periods_(periods), now_(steps.now), zone_(zone), out_(out) {}

    void write(Cohorts &cohorts, size_t segment, pg::Value label) {
        for (int32_t c = 0; c < cohorts.count(); ++c) {
            const int32_t own = cohorts.cohort(c);
            const int64_t size = cohorts.size(segment, c);
            for (int32_t p = 0; p <= request_.periods; ++p) {
                if (begins(own + p) > now_) break;
                if (request_.max_rows > 0 && ++rows_ > request_.max_rows)
                    throw Error("54000",
                                fmt::format("the answer has more than {} rows", request_.max_rows),
                                {}, "Raise max_rows, or ask for fewer cohorts or periods.");
                const int64_t returned = cohorts.returned(segment, c, p);
                pg::append(out_, {pg::Value(periods_.start(own)), label, pg::integer_value(p),
                                  pg::bigint_value(size), pg::bigint_value(returned),
                                  pg::Value(pg::percent(returned, size)),
                                  pg::Value(begins(own + p + 1) <= now_), pg::Value(now_)});
            }
        }
    }

private:
    Timestamp begins(int32_t period) const {
        return zone_.instant(midnight(periods_.start(period)));
    }

    const RetentionRequest &request_;
    const Periods &periods_;
    Timestamp now_;
    const Zone &zone_;
    pg::ResultSet &out_;
    int64_t rows_ = 0;
};

}  // namespace

void retention(const RetentionRequest &request, pg::ResultSet &out) {
    if (request.periods < 0 || request.periods > kMostPeriods)
        throw Error("22023",
                    fmt::format("argument \"periods\" must be between 0 and {}", kMostPeriods));
    const pg::LocalSettings settings = read_settings();
    const Periods periods(parse_grain(request.grain));
    std::vector<std::string> metrics{request.metric};
    if (request.returning) metrics.push_back(*request.returning);
    const Steps steps = load_steps(metrics, request.filters, request.by);
    const Zone zone = pg::zone(steps.zone);
    const std::optional<std::string_view> end = request.end;
    const Range range = parse_range(request.start, end, steps.now, zone);
    if (range.local_from != midnight(date_of(range.local_from)) ||
        range.local_to != midnight(date_of(range.local_to)))
        throw Error("22023", "the range must begin and end with a whole day", {},
                    "Cohorts are of days. Give dates.");
    const Date first = date_of(range.local_from);
    const Date last = date_of({range.local_to.microseconds - 1});
    check_length(first, last);
    const Date until = periods.start(periods.of(last) + request.periods + 1) + -1;
    const Date today = date_of(zone.local(steps.now));

    const pg::RunAs as_owner(steps.owner, pg::Restriction::reading);
    // Whoever was seen before the range is not new in it.
    StepRange seen{std::min(first, first_day(steps.steps[0]).value_or(first)), last, {}, {}};
    const StepRange back{first, std::max(last, std::min(until, today)), {}, {}};
    std::vector<StepRange> ranges;
    if (request.returning) {
        ranges = {seen, back};
    } else {
        seen.last = back.last;
        ranges = {seen};
    }
    const Statement statement = steps_statement(steps, ranges, Resolution::day);
    pg::KeyRuns runs(statement.sql, statement.params, int(request.by.size()),
                     segment_label(request.by));
    Cohorts cohorts(request, periods, first, last);
    cohorts.read(runs);
    const std::vector<pg::Value> labels = runs.labels();
    Writer writer(request, periods, steps, zone, out);
    for (const uint32_t segment : runs.in_order(labels))
        if (request.by.empty() || !cohorts.empty(segment))
            writer.write(cohorts, segment, labels[segment]);
}

}  // namespace kpi::engine
