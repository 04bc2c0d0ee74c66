#include "engine/query/query.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "engine/query/grid.hpp"
#include "engine/query/groups.hpp"
#include "pg/clock.hpp"

namespace kpi::engine {
namespace {

std::vector<SourceDays> days_of(const Group &group) {
    std::vector<SourceDays> out;
    for (const SourceUse &use : group.sources) out.push_back(use.days);
    return out;
}

Range range_of(const Request &request, const TimedGroup &timed) {
    const std::optional<std::string_view> end = request.end;
    return parse_range(request.start, end, timed.now, pg::zone(timed.zone));
}

Plan plan_of(const TimedGroup &timed, const Request &request) {
    const Zone zone = pg::zone(timed.zone);
    const std::optional<std::string_view> compare = request.compare;
    const PlanRequest wanted{parse_grain(request.grain), parse_compare(compare), true};
    return make_plan(wanted, range_of(request, timed), timed.now, zone, days_of(timed.group));
}

// One row of an answer: a bucket of a series.
struct AnswerRow {
    const PlannedBucket *planned;
    const Series *series;
    const Metric *metric;
    Timestamp now;
    size_t place;  // of the bucket

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

    // In order: by bucket, segment, metric.
    template <class F>
    void each_row(F f) const {
        for (size_t place = 0; place < plan.buckets.size(); ++place)
            for (const Series &series : grid.series)
                f(AnswerRow{&plan.buckets[place], &series, &timed->group.metrics[series.metric],
                            plan.now, place});
    }
};

// Groups one after the other, each as the owner of its metrics.
std::vector<Answer> answer(const std::vector<TimedGroup> &groups, const Request &request) {
    RowLimit limit;
    if (request.max_rows > 0) limit = {request.max_rows, request.max_rows};
    std::vector<Answer> out;
    for (const TimedGroup &timed : groups) {
        Answer next{&timed, plan_of(timed, request), {}};
        const pg::RunAs as_owner(timed.owner, pg::Restriction::reading);
        next.grid = read_grid(timed.group, next.plan, limit);
        limit.left -= int64_t(next.plan.buckets.size() * next.grid.series.size());
        out.push_back(std::move(next));
    }
    return out;
}

// A long plan must not be compiled for a statement that runs a millisecond; dates as text are read
// back.
pg::LocalSettings read_settings() {
    return pg::LocalSettings{{{"jit", "off"}, {"DateStyle", "ISO, YMD"}}};
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
        as_of_.push_back(row.now);
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

}  // namespace

void query(const Request &request, pg::ResultSet &out) {
    const pg::LocalSettings settings = read_settings();
    const auto groups = load_groups(request.metrics, request.by, request.filters);
    for (const Answer &answered : answer(groups, request)) {
        std::vector<pg::Value> names;
        for (const Metric &metric : answered.timed->group.metrics)
            names.push_back(pg::text_value(metric.name));
        answered.each_row([&](const AnswerRow &row) {
            const Bucket &bucket = row.planned->bucket;
            pg::append(
                out, {pg::Value(bucket.start), pg::Value(bucket.day), row.series->segment,
                      names[row.series->metric], pg::Value(row.value()), pg::Value(row.compared()),
                      pg::Value(row.complete()), pg::Value(row.fraction()),
                      pg::Value(row.expected()), pg::Value(row.now)});
        });
    }
}

std::string query_json(const JsonRequest &json) {
    const pg::LocalSettings settings = read_settings();
    const Request request = to_request(json);
    const auto groups = load_groups(request.metrics, {}, request.filters);
    JsonRows rows;
    bool cut = false;
    for (const Answer &answered : answer(groups, request))
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
    const pg::RunAs as_owner(timed.owner, pg::Restriction::reading);
    return pg::text(read_grid(timed.group, plan, {}).series.at(0).values.at(0));
}

}  // namespace kpi::engine
