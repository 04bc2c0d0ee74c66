#include "engine/query/query.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "engine/query/grid.hpp"
#include "engine/query/groups.hpp"
#include "engine/query/past_sums.hpp"
#include "engine/query/read_settings.hpp"
#include "engine/query/shown.hpp"
#include "pg/clock.hpp"
#include "pg/memory_bound.hpp"

namespace kpi::engine {
namespace {

std::vector<SourceDays> days_of(const Group &group) {
    std::vector<SourceDays> out;
    for (const SourceUse &use : group.sources) out.push_back(use.days);
    return out;
}

// With the sums that the worker keeps, for plans that look at a part of a past day.
std::vector<SourceDays> days_with_past_sums(const TimedGroup &timed) {
    std::vector<SourceDays> out = days_of(timed.group);
    const pg::RunAs as_owner(timed.owner, pg::Restriction::reading);
    find_past_sums(timed.group, out);
    return out;
}

Range range_of(const Request &request, const TimedGroup &timed) {
    const std::optional<std::string_view> end = request.end;
    return parse_range(request.start, end, timed.now, pg::zone(timed.zone));
}

// What of an answer is wanted: its values, their expectation too, or that alone.
enum class Part { values, all, expectation };

Plan plan_of(const TimedGroup &timed, const Request &request, Part part) {
    const Zone zone = pg::zone(timed.zone);
    const std::optional<std::string_view> compare = request.compare;
    const int average = parse_shown(request.show).average;
    const PlanRequest wanted{parse_grain(request.grain), parse_compare(compare),
                             part != Part::values, std::max(0, average - 1)};
    const bool looks_back = wanted.expects || wanted.compare != Compare::none;
    return make_plan(wanted, range_of(request, timed), timed.now, zone,
                     looks_back ? days_with_past_sums(timed) : days_of(timed.group));
}

// One row of an answer: a bucket of a series.
struct Answer;
struct AnswerRow {
    const Answer *answer;
    size_t place;   // of the bucket
    size_t number;  // of the series
    const PlannedBucket *planned;
    const Series *series;
    const Metric *metric;
    Timestamp now, as_of;

    pg::Number value() const { return series->values[place]; }
    pg::Number compared() const {
        return series->compared.empty() ? pg::Number{} : series->compared[place];
    }
    pg::Number expected() const { return planned->open ? series->expected : pg::Number{}; }
    bool complete() const { return is_complete(planned->bucket, now); }
    double fraction() const { return elapsed(planned->bucket, now); }
};

// What one group of metrics has to say.
struct Answer {
    const TimedGroup *timed;
    Plan plan;
    Grid grid;
    Extras extras;
    std::vector<pg::Value> names;  // of the metrics

    // The oldest of what its sources know of a bucket.
    Timestamp known_at(Timestamp bucket) const {
        Timestamp oldest = plan.now;
        for (const SourceUse &use : timed->group.sources)
            oldest = std::min(oldest, use.info.as_of(plan.now, bucket));
        return oldest;
    }

    // In order: by bucket, segment, metric.
    template <class F>
    void each_row(F f) const {
        for (size_t place = 0; place < plan.buckets.size(); ++place) {
            const Timestamp known = known_at(plan.buckets[place].bucket.start);
            for (size_t number = 0; number < grid.series.size(); ++number) {
                const Series &series = grid.series[number];
                f(AnswerRow{this, place, number, &plan.buckets[place], &series,
                            &timed->group.metrics[series.metric], plan.now, known});
            }
        }
    }
};

// A running total of a counted measure has no meaning: a value may be in several buckets, a level
// is no part of a whole; then it has no share either, unless it is the last value of each segment.
void refuse_sums(const TimedGroup &timed, const Shown &shown) {
    for (const Metric &metric : timed.group.metrics) {
        const CountedInfo *counted = counted_measure(timed.group, metric);
        if (counted == nullptr || !(shown.running || (shown.share && counted->adds_up_nowhere())))
            continue;
        throw Error("0A000",
                    fmt::format("show => '{}' adds values up, but \"{}\" does not add up",
                                shown.running ? "running" : "share", metric.name),
                    counted->is_timed()
                        ? fmt::format("It is the {} value of \"{}\" in each segment and bucket.",
                                      word_of(counted->kind), counted->column)
                    : counted->is_level()
                        ? fmt::format("It is one of the values of \"{}\".", counted->column)
                        : fmt::format("It counts the distinct values of \"{}\", which may be in "
                                      "several buckets.",
                                      counted->column),
                    "Ask for each range with grain => 'total'.");
    }
}

// Groups one after the other, each as the owner of its metrics.
std::vector<Answer> answer(const std::vector<TimedGroup> &groups, const Request &request,
                           Part part) {
    RowLimit limit;
    if (request.max_rows > 0) limit = {request.max_rows, request.max_rows};
    const std::optional<Order> order = parse_order(request.order_by);
    const bool least = order && order->column == OrderColumn::value && !order->descending;
    Top top{size_t(request.top), least, {}};
    if (request.top > 0 && request.by.empty())
        throw Error("22023", "top needs dimensions", {}, "Say by which: by => '{country}'.");
    const Shown shown = parse_shown(request.show);
    std::vector<Answer> out;
    for (const TimedGroup &timed : groups) {
        refuse_sums(timed, shown);
        Answer next{&timed, plan_of(timed, request, part), {}, {}, {}};
        for (const Metric &metric : timed.group.metrics)
            next.names.push_back(pg::text_value(metric.name));
        if (part == Part::expectation) {
            auto expectation = expectation_of(next.plan);
            if (!expectation) continue;
            // Which segments are the top ones is a matter of the whole range.
            if (top.count == 0) next.plan = std::move(*expectation);
        }
        const pg::RunAs as_owner(timed.owner, pg::Restriction::reading);
        next.grid = read_grid(timed.group, next.plan, limit, top);
        next.extras = extras(shown, timed.group, next.grid);
        limit.left -= int64_t(next.plan.buckets.size() * next.grid.series.size());
        out.push_back(std::move(next));
    }
    return out;
}

// Rows, column by column, as a JSON array; empty text stands for NULL.
constexpr const char *kRows =
    "SELECT coalesce(jsonb_agg(jsonb_build_object('bucket', bucket, 'date', day::date, 'segment', "
    "segment::jsonb, 'metric', metric, 'value', nullif(value, '')::numeric, 'is_complete', "
    "complete::bool, 'elapsed_fraction', fraction::float8, 'expected_so_far', nullif(expected, "
    "'')::numeric, 'as_of', as_of) ORDER BY place), '[]') FROM unnest($1, $2, $3, $4, $5, $6, $7, "
    "$8, $9) WITH ORDINALITY r(bucket, day, segment, metric, value, complete, fraction, expected, "
    "as_of, place)";

class JsonRows {
public:
    void add(const AnswerRow &row) {
        bucket_.push_back(row.planned->bucket.start);
        day_.push_back(iso(row.planned->bucket.day));
        segment_.push_back(pg::jsonb_text(row.series->segment));
        metric_.push_back(row.metric->name);
        value_.push_back(pg::text(row.value()).value_or(""));
        complete_.emplace_back(row.complete() ? "t" : "f");
        fraction_.push_back(fmt::format("{}", row.fraction()));
        expected_.push_back(pg::text(row.expected()).value_or(""));
        as_of_.push_back(row.as_of);
    }
    int64_t size() const { return int64_t(day_.size()); }
    std::string json() const {
        return *pg::value(
            kRows,
            {bucket_, day_, segment_, metric_, value_, complete_, fraction_, expected_, as_of_},
            kRead);
    }

private:
    std::vector<Timestamp> bucket_, as_of_;
    std::vector<std::string> day_, segment_, metric_, value_, complete_, fraction_, expected_;
};

constexpr const char *kEnvelope =
    "SELECT jsonb_build_object('data', $1, 'params', $2, 'count', $3, 'truncated', $4, "
    "'start_date', $5, 'end_date', $6)";

// The arguments as they were given.
std::string params_of(const JsonRequest &json) {
    const auto maybe = [](const std::optional<std::string> &text) {
        return text ? Param(*text) : Param(Null{});
    };
    return *pg::value(
        "SELECT jsonb_build_object('metric', $1, 'start_date', $2, 'end_date', $3, 'country', $4, "
        "'source', $5, 'aggregate', $6, 'limit', $7, 'filters', $8)",
        {maybe(json.metric), json.start, maybe(json.end), maybe(json.country), maybe(json.source),
         json.aggregate, json.limit, Json{json.filters}},
        kRead);
}

// country and source are filters of these names; `filters` must not contradict them.
Request to_request(const JsonRequest &json) {
    Request request;
    if (json.metric) request.metrics = std::vector{*json.metric};
    request.start = json.start;
    request.end = json.end;
    request.grain = json.aggregate;
    const auto maybe = [](const std::optional<std::string> &text) {
        return text ? Param(*text) : Param(Null{});
    };
    request.filters = *pg::value(
        "SELECT $1 || jsonb_strip_nulls(jsonb_build_object('country', $2, 'source', $3))",
        {Json{json.filters}, maybe(json.country), maybe(json.source)}, kRead);
    return request;
}

pg::Number change(const AnswerRow &row) {
    const pg::Number value = row.value(), compared = row.compared();
    return value && compared ? pg::difference(value, compared) : pg::Number{};
}

// NULLs and what is only the rest come last in either direction.
bool before(const Order &order, const AnswerRow &a, const AnswerRow &b) {
    const auto directed = [&](auto comparison) {
        return order.descending ? comparison > 0 : comparison < 0;
    };
    switch (order.column) {
        case OrderColumn::bucket:
            return directed(a.planned->bucket.start <=> b.planned->bucket.start);
        case OrderColumn::segment:
            return directed(a.number <=> b.number);
        case OrderColumn::metric:
            return directed(a.metric->name <=> b.metric->name);
        default:
            break;
    }
    if (a.series->others != b.series->others) return b.series->others;
    const auto key = [&](const AnswerRow &row) {
        if (order.column == OrderColumn::change) return change(row);
        return order.column == OrderColumn::value ? row.value() : row.compared();
    };
    const pg::Number mine = key(a), theirs = key(b);
    if (!mine || !theirs) return bool(mine) && !theirs;
    return directed(pg::compare(mine, theirs) <=> 0);
}

// A row of kpi._query.
void write(const AnswerRow &row, pg::ResultSet &out) {
    const Bucket &bucket = row.planned->bucket;
    const Extras &extras = row.answer->extras;
    const auto extra = [&](const std::vector<std::vector<pg::Number>> &columns) {
        return columns.empty() ? pg::Value() : pg::Value(columns[row.number][row.place]);
    };
    pg::append(out, {pg::Value(bucket.start), pg::Value(bucket.day), row.series->segment,
                     row.answer->names[row.series->metric], pg::Value(row.value()),
                     pg::Value(row.compared()), pg::Value(row.complete()),
                     pg::Value(row.fraction()), pg::Value(row.as_of), extra(extras.share),
                     extra(extras.running), extra(extras.average)});
}

}  // namespace

void query(const Request &request, pg::ResultSet &out) {
    const pg::LocalSettings settings = read_settings();
    const auto groups = load_groups(request.metrics, request.by, request.filters);
    const std::vector<Answer> answers = answer(groups, request, Part::values);
    const std::optional<Order> order = parse_order(request.order_by);
    pg::MemoryBound bound;
    std::vector<AnswerRow> rows;
    for (const Answer &answered : answers)
        answered.each_row([&](const AnswerRow &row) {
            if (!order) return write(row, out);
            bound.add(2 * sizeof(AnswerRow));  // a copy to sort in
            rows.push_back(row);
        });
    if (!order) return;
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const AnswerRow &a, const AnswerRow &b) { return before(*order, a, b); });
    for (const AnswerRow &row : rows) write(row, out);
}

std::optional<FirstBucket> first_bucket(const Request &request) {
    const pg::LocalSettings settings = read_settings();
    const auto groups = load_groups(request.metrics, {}, request.filters);
    const TimedGroup &timed = groups.at(0);
    const std::vector<Bucket> all =
        buckets(parse_grain(request.grain), range_of(request, timed), pg::zone(timed.zone));
    if (all.empty()) return std::nullopt;
    return FirstBucket{all[0].start, all[0].day, is_complete(all[0], timed.now)};
}

std::map<ExpectationKey, std::string> expectations(const Request &request) {
    std::map<ExpectationKey, std::string> out;
    const pg::LocalSettings settings = read_settings();
    const auto groups = load_groups(request.metrics, request.by, request.filters);
    for (const Answer &answered : answer(groups, request, Part::expectation))
        answered.each_row([&](const AnswerRow &row) {
            if (const auto expected = pg::text(row.expected()))
                out[{row.planned->bucket.start.microseconds, row.metric->name,
                     pg::jsonb_bytes(row.series->segment)}] = *expected;
        });
    return out;
}

std::string query_json(const JsonRequest &json) {
    const pg::LocalSettings settings = read_settings();
    const Request request = to_request(json);
    const auto groups = load_groups(request.metrics, {}, request.filters);
    JsonRows rows;
    bool cut = false;
    for (const Answer &answered : answer(groups, request, Part::all))
        answered.each_row([&](const AnswerRow &row) {
            cut = cut || rows.size() == json.limit;
            if (!cut) rows.add(row);
        });
    std::optional<Range> range;
    if (!groups.empty()) range = range_of(request, groups[0]);
    const auto day = [&](int64_t local) { return iso(date_of(Local{local})); };
    const Param from = range ? Param(day(range->local_from.microseconds)) : Param(Null{});
    const Param to = range ? Param(day(range->local_to.microseconds - 1)) : Param(Null{});
    return pg::value(kEnvelope,
                     {Json{rows.json()}, Json{params_of(json)}, rows.size(), cut, from, to}, kRead)
        .value_or("null");
}

Cell value_at(const ValueRequest &request) {
    const pg::LocalSettings settings = read_settings();
    const auto groups = load_groups(std::vector{request.metric}, {}, request.filters);
    const TimedGroup &timed = groups.at(0);
    const Zone zone = pg::zone(timed.zone);
    const Grain grain = parse_grain(request.grain);
    const Plan plan =
        make_plan(grain, bucket_at(grain, request.at, zone), timed.now, zone, days_of(timed.group));
    Top top;
    const pg::RunAs as_owner(timed.owner, pg::Restriction::reading);
    return pg::text(read_grid(timed.group, plan, {}, top).series.at(0).values.at(0));
}

Cell rolling(const RollingRequest &request) {
    if (request.length <= 0 || request.length > 366 * kDay)
        throw Error("22023", "the length must be positive and at most 366 days", {},
                    "For example '60 minutes' or '24 hours'.");
    const pg::LocalSettings settings = read_settings();
    const auto groups = load_groups(std::vector{request.metric}, {}, request.filters);
    const TimedGroup &timed = groups.at(0);
    // A row of this very microsecond counts.
    const Timestamp to{request.at.value_or(timed.now).microseconds + 1};
    const Timestamp from{to.microseconds - request.length};
    const Plan plan = rolling_plan(from, to, timed.now, pg::zone(timed.zone), days_of(timed.group));
    if (plan.buckets[0].lost) return std::nullopt;
    Top top;
    const pg::RunAs as_owner(timed.owner, pg::Restriction::reading);
    return pg::text(read_grid(timed.group, plan, {}, top).series.at(0).values.at(0));
}

}  // namespace kpi::engine
