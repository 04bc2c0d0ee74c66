#include "engine/query/query.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
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

Statement plan_group(const TimedGroup &timed, const Request &request, int64_t limit) {
    const Zone zone = pg::zone(timed.zone);
    const Range range = range_of(request, timed);
    const std::optional<std::string_view> compare = request.compare;
    const PlanRequest wanted{parse_grain(request.grain), parse_compare(compare), true};
    return write_statement(timed.group,
                           make_plan(wanted, range, timed.now, zone, days_of(timed.group)), limit);
}

// A long plan must not be compiled for a statement that runs a millisecond; dates as text are read
// back.
pg::LocalSettings read_settings() {
    return pg::LocalSettings{{{"jit", "off"}, {"DateStyle", "ISO, YMD"}}};
}

// Rows of a statement as a JSON array: how many there are (one more than wanted, when cut), and the
// wanted ones.
constexpr const char *kRows =
    "SELECT count(*), coalesce(jsonb_agg(jsonb_build_object('bucket', bucket, 'date', day, "
    "'segment', segment, 'metric', metric, 'value', value, 'is_complete', is_complete, "
    "'elapsed_fraction', elapsed_fraction, 'expected_so_far', expected_so_far, 'as_of', as_of) "
    "ORDER BY place) FILTER (WHERE place <= ${1}), '[]') FROM (SELECT q.*, row_number() OVER () AS "
    "place FROM (\n{0}\n) q(bucket, day, segment, metric, value, compared, is_complete, "
    "elapsed_fraction, expected_so_far, as_of)) r";

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

std::string cut_message(int64_t max_rows) {
    return fmt::format("the result is cut at max_rows = {}", max_rows);
}

}  // namespace

void query(const Request &request, pg::ResultSet &out) {
    const pg::LocalSettings settings = read_settings();
    const auto groups = load_groups(request.metrics, request.by, request.filters);
    int64_t left = request.max_rows;
    for (const TimedGroup &timed : groups) {
        const int64_t limit = request.max_rows > 0 ? left + 1 : 0;
        const Statement statement = plan_group(timed, request, limit);
        const int64_t rows = [&] {
            const pg::RunAs as_owner(timed.owner, pg::Restriction::reading);
            return out.append_query(statement.sql, statement.params, kRead,
                                    limit > 0 ? left : INT64_MAX);
        }();
        if (limit == 0) continue;
        if (rows > left) {
            pg::log(pg::Level::notice, cut_message(request.max_rows), {},
                    "Ask for a shorter range, fewer dimensions, or more rows.");
            return;
        }
        left -= rows;
    }
}

std::string query_json(const JsonRequest &json) {
    const pg::LocalSettings settings = read_settings();
    const Request request = to_request(json);
    const auto groups = load_groups(request.metrics, {}, request.filters);
    std::string rows;
    int64_t count = 0;
    bool cut = false;
    std::optional<Range> range;
    for (const TimedGroup &timed : groups) {
        if (!range) range = range_of(request, timed);
        Statement statement = plan_group(timed, request, json.limit - count + 1);
        statement.params.emplace_back(std::in_place_type<int64_t>, json.limit - count);
        const Table table = [&] {
            const pg::RunAs as_owner(timed.owner, pg::Restriction::reading);
            return pg::query(fmt::format(kRows, statement.sql, statement.params.size()),
                             statement.params, kRead);
        }();
        const std::string &array = *table.rows.at(0).at(1);  // [...]
        if (array.size() > 2) rows += (rows.empty() ? "" : ",") + array.substr(1, array.size() - 2);
        const int64_t found = std::stoll(*table.rows[0][0]);
        cut = cut || found > json.limit - count;
        count = std::min(json.limit, count + found);
    }
    const auto day = [&](int64_t local) { return iso(date_of(Local{local})); };
    const Param from = range ? Param(day(range->local_from.microseconds)) : Param(Null{});
    const Param to = range ? Param(day(range->local_to.microseconds - 1)) : Param(Null{});
    return pg::value(kEnvelope,
                     {Json{"[" + rows + "]"}, Json{params_of(json)}, count, cut, from, to}, kRead)
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
    const Statement statement = write_statement(timed.group, plan, 0);
    const pg::RunAs as_owner(timed.owner, pg::Restriction::reading);
    const Table table = pg::query(statement.sql, statement.params, kRead);
    return table.rows.at(0).at(4);
}

}  // namespace kpi::engine
