// The endpoints that read metrics: cards, series, segments, anomalies, causes, forecasts.
#include <fmt/format.h>

#include <cmath>

#include "web/questions.hpp"
#include "web/sql_text.hpp"

namespace kpi::web {
namespace {

using Texts = std::vector<std::optional<std::string>>;

// A word of ours: the last 24 hours, in whole hours, the present one included.
constexpr std::string_view kLastDay = "24h";
constexpr const char *kLastDayFrom =
    "to_char(date_trunc('hour', now()) - interval '23 hours', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
constexpr const char *kLastDayTo =
    "to_char(date_trunc('hour', now()) + interval '1 hour', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";

struct Period {
    std::string from, to;  // SQL expressions; parameters $2 and $3
    std::optional<std::string> start, end;
    bool is_day = false;  // one day, which hours show best
};

Period period_of(Parameters &parameters, std::string_view otherwise) {
    Period out{"$2::text", "$3::text", parameters.text("start_date", otherwise),
               parameters.text("end_date"), false};
    const std::string &start = *out.start;
    out.is_day = start == kLastDay || start == "yesterday" || (start == "today" && !out.end) ||
                 (out.end && *out.end == start && start.size() == 10);
    if (start != kLastDay) return out;
    // The parameters are named all the same, so that their numbers hold.
    out.from = fmt::format("CASE WHEN $2::text IS NOT NULL THEN {} END", kLastDayFrom);
    out.to = fmt::format("coalesce($3::text, {})", kLastDayTo);
    return out;
}

std::optional<std::string> compare_of(Parameters &parameters) {
    return parameters.choice("compare", {"previous", "same_weekday", "week", "month", "year"});
}

constexpr const char *kZone = "(SELECT s.timezone FROM kpi.source s ORDER BY s.name LIMIT 1)";

}  // namespace

Question summary_question(Parameters &parameters) {
    const std::string filters = filters_of(parameters);
    std::string metric =
        "json_build_object('metric', c.metric, 'unit', c.unit, 'good', c.good, 'day', c.day, "
        "'today_elapsed', c.today_elapsed, 'as_of', c.as_of";
    for (const char *column :
         {"today", "today_expected", "last_week_so_far", "last_week", "yesterday",
          "yesterday_before", "yesterday_change", "days_7", "days_7_before", "days_7_change",
          "days_30", "days_30_before", "days_30_change"})
        metric += fmt::format(", '{}', {}", column, number(std::string("c.") + column));
    metric += ")";
    const auto rolling = [](const char *name, const char *span, const char *at) {
        return number(
            fmt::format("(SELECT r.value FROM rolled r WHERE r.metric = '{}' AND r.span = interval "
                        "'{}' AND r.at = {})",
                        name, span, at));
    };
    return {fmt::format(R"(
WITH cards AS MATERIALIZED (SELECT * FROM kpi.summary($1::jsonb)),
moments (at) AS (VALUES (now()), (now() - interval '7 days')),
spans (span) AS (VALUES (interval '1 hour'), (interval '24 hours')),
rolled AS MATERIALIZED (
    SELECT c.metric, s.span, t.at, kpi.rolling(c.metric, s.span, t.at, $1::jsonb) AS value
      FROM cards c CROSS JOIN moments t CROSS JOIN spans s
     WHERE c.metric = 'revenue' OR (c.metric IN ('leads', 'payments') AND t.at = now() AND s.span = interval '24 hours')
), priorities AS MATERIALIZED (
    SELECT q.segment ->> 'priority' AS priority, {0} AS today, {1} AS before
      FROM kpi.source s JOIN kpi.measure m ON m.source = s.name AND m.name = 'leads' JOIN cards c ON c.metric = 'leads'
     CROSS JOIN LATERAL kpi.query('{{leads}}', 'today', filters => $1::jsonb, by => '{{priority}}', compare => 'week',
                                  max_rows => NULL, expected => false) q
     WHERE 'priority' = ANY (s.dimensions)
), age AS (SELECT min(as_of) AS as_of FROM cards)
SELECT json_build_object('as_of', age.as_of, 'stale', coalesce(age.as_of < now() - interval '5 minutes', false),
    'stale_reason', CASE WHEN age.as_of < now() - interval '5 minutes' THEN 'a source is recomputed only at times, last at ' || to_char(age.as_of, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END,
    'timezone', {2},
    'revenue_last_hour', json_build_object('value', {3}, 'compared', {4}),
    'last_24h', json_build_object('revenue', {5}, 'revenue_compared', {6}, 'leads', {7}, 'payments', {8}),
    'leads_by_priority', coalesce((SELECT json_agg(json_build_object('priority', p.priority, 'today', p.today, 'last_week_so_far', p.before)
                                                   ORDER BY p.today DESC NULLS LAST, p.priority) FROM priorities p), '[]'),
    'metrics', coalesce((SELECT json_agg({9} ORDER BY c.metric) FROM cards c), '[]'))
  FROM age)",
                        number("q.value"), number("q.compared"), kZone,
                        rolling("revenue", "1 hour", "now()"),
                        rolling("revenue", "1 hour", "now() - interval '7 days'"),
                        rolling("revenue", "24 hours", "now()"),
                        rolling("revenue", "24 hours", "now() - interval '7 days'"),
                        rolling("leads", "24 hours", "now()"),
                        rolling("payments", "24 hours", "now()"), metric),
            {filters},
            {},
            false};
}

Question timeseries_question(Parameters &parameters) {
    const std::string metric = parameters.text("metric", "revenue");
    // Up to a day that is named, the last 24 hours are none.
    const Period period = period_of(parameters, parameters.text("end_date") ? "7d" : kLastDay);
    const std::string grain =
        parameters.choice("grain", {"hour", "day", "week", "month", "quarter", "year", "total"},
                          period.is_day ? "hour" : "day");
    const auto compare = compare_of(parameters);
    const auto by = parameters.list("by", "");
    const int top = parameters.number("top", 1, 100, 0);
    const bool judged = grain == "hour" || grain == "day" || grain == "week" || grain == "month";
    const bool band = parameters.on("band", judged) && judged;
    const std::string filters = filters_of(parameters);
    std::string bands = ", 'expected', NULL, 'lower', NULL, 'upper', NULL, 'is_anomaly', NULL",
                join;
    if (band) {
        bands =
            fmt::format(", 'expected', {}, 'lower', {}, 'upper', {}, 'is_anomaly', a.is_anomaly",
                        number("a.expected"), number("a.lower"), number("a.upper"));
        join = fmt::format(
            " LEFT JOIN kpi.anomalies($1, {}, {}, $5::name[], $6, partial => 'compare', filters => "
            "$4::jsonb) a "
            "ON a.at = q.bucket AND a.segment = q.segment",
            period.from, period.to);
    }
    return {fmt::format(R"(
WITH q AS MATERIALIZED (
    SELECT * FROM kpi.query(ARRAY[$1], {0}, {1}, $4::jsonb, $5::name[], $6, compare => $7, max_rows => 20000, top => nullif($8::int, 0))
), points AS (
    SELECT q.bucket, q.segment, json_build_object('at', q.bucket, 'day', q.day, 'segment', q.segment, 'value', {2}, 'compared', {3},
               'is_complete', q.is_complete, 'elapsed_fraction', q.elapsed_fraction, 'expected_so_far', {4}{5}) AS point
      FROM q{6}
)
SELECT json_build_object('metric', $1, 'unit', m.unit, 'good', m.good, 'grain', $6, 'timezone', {7}, 'as_of', (SELECT min(as_of) FROM q),
    'points', coalesce((SELECT json_agg(p.point ORDER BY p.bucket, p.segment) FROM points p), '[]'))
  FROM (SELECT) one LEFT JOIN kpi.metric m ON m.name = $1)",
                        period.from, period.to, number("q.value"), number("q.compared"),
                        number("q.expected_so_far"), bands, join, kZone),
            Texts{metric, period.start, period.end, filters, array_text(by), grain, compare,
                  std::to_string(top)},
            {},
            false};
}

Question segments_question(Parameters &parameters) {
    const auto by = parameters.list("by", "country");
    const auto metrics = parameters.list("metrics", "revenue");
    const Period period = period_of(parameters, "7d");
    const auto compare = compare_of(parameters);
    const int top = parameters.number("top", 1, 200, 20);
    const std::string filters = filters_of(parameters);
    return {fmt::format(R"(
WITH total AS MATERIALIZED (
    SELECT q.*, (q.segment ->> ($5::text[])[1] = 'others') IS TRUE AS is_rest
      FROM kpi.query($1::text[], {0}, {1}, $4::jsonb, $5::name[], 'total', compare => $6, max_rows => NULL, order_by => 'value desc',
                     top => $7::int, show => '{{share}}', expected => false) q
), series AS MATERIALIZED (
    SELECT q.segment, json_agg({2} ORDER BY q.bucket) AS spark
      FROM kpi.query(($1::text[])[1:1], {0}, {1}, $4::jsonb, $5::name[], $8, max_rows => NULL, top => $7::int, expected => false) q
     GROUP BY q.segment
), rows AS (
    SELECT t.segment, bool_and(t.is_rest) AS is_rest, max(t.value) FILTER (WHERE t.metric = ($1::text[])[1]) AS rank,
           json_object_agg(t.metric, json_build_object('value', {3}, 'compared', {4}, 'share', {5})) AS "values"
      FROM total t GROUP BY t.segment
)
SELECT json_build_object('by', $5::text[], 'metrics', $1::text[], 'as_of', (SELECT min(as_of) FROM total),
    'rows', coalesce((SELECT json_agg(json_build_object('segment', r.segment, 'values', r."values", 'spark', coalesce(s.spark, '[]'))
                                      ORDER BY r.is_rest, r.rank DESC NULLS LAST, r.segment)
                        FROM rows r LEFT JOIN series s ON s.segment = r.segment), '[]')))",
                        period.from, period.to, number("q.value"), number("t.value"),
                        number("t.compared"), number("t.share")),
            Texts{array_text(metrics), period.start, period.end, filters, array_text(by), compare,
                  std::to_string(top), period.is_day ? "hour" : "day"},
            {},
            false};
}

Question anomalies_question(Parameters &parameters) {
    const std::string metric = parameters.text("metric", "revenue");
    const std::string start = parameters.text("start_date", "30d");
    const auto end = parameters.text("end_date");
    const auto by = parameters.list("by", "");
    const std::string grain = parameters.choice("grain", {"hour", "day", "week", "month"}, "day");
    const std::string method = parameters.text("method", "robust");
    const auto threshold = parameters.real("threshold", 0, HUGE_VAL);
    const std::string direction = parameters.choice("direction", {"both", "up", "down"}, "both");
    const std::string partial =
        parameters.choice("partial", {"skip", "compare", "complete"}, "skip");
    const bool all = parameters.on("all", false);
    const int limit = parameters.number("limit", 1, 10000, 1000);
    const std::string filters = filters_of(parameters);
    std::string row =
        "json_build_object('segment', a.segment, 'at', a.at, 'is_anomaly', a.is_anomaly, 'type', "
        "a.type, 'reason', a.reason";
    for (const char *column : {"value", "expected", "lower", "upper", "score", "p", "impact"})
        row += fmt::format(", '{}', {}", column, number(std::string("a.") + column));
    return {fmt::format(R"(
WITH a AS (
    SELECT * FROM kpi.anomalies($1, $2, $3, $4::name[], $5, $6, $7::float8, $8, partial => $9, filters => $10::jsonb) x
     WHERE x.is_anomaly OR $11::boolean ORDER BY x.at DESC, x.segment LIMIT $12::int
)
SELECT json_build_object('metric', $1, 'count', (SELECT count(*) FROM a), 'data', coalesce((SELECT json_agg({}) ORDER BY a.at, a.segment) FROM a), '[]')))",
                        row),
            Texts{metric, start, end, array_text(by), grain, method,
                  threshold ? std::optional(fmt::format("{}", *threshold)) : std::nullopt,
                  direction, partial, filters, all ? "true" : "false", std::to_string(limit)},
            {},
            false};
}

Question explain_question(Parameters &parameters) {
    const std::string metric = parameters.text("metric", "revenue");
    const std::string at = parameters.text("at", "yesterday");
    const auto by = parameters.list("by", "");
    const std::string compare = parameters.choice(
        "compare", {"expected", "previous", "same_weekday", "week", "month", "year"}, "expected");
    const int top = parameters.number("top", 1, 100, 5);
    const std::string grain = parameters.choice("grain", {"hour", "day"}, "day");
    const std::string filters = filters_of(parameters);
    std::string row =
        "json_build_object('rank', x.rank, 'segment', x.segment, 'presence', x.presence";
    for (const char *column : {"value", "expected", "change", "share", "rate_effect", "mix_effect"})
        row += fmt::format(", '{}', {}", column, number(std::string("x.") + column));
    return {fmt::format(R"(
SELECT json_build_object('metric', $1, 'at', $2, 'grain', $7, 'compare', $4, 'drivers', coalesce(json_agg({}) ORDER BY x.rank), '[]'))
  FROM kpi.explain($1, $2, $3::name[], $4, $5::int, $6::jsonb, $7) x)",
                        row),
            Texts{metric, at, by.empty() ? std::nullopt : std::optional(array_text(by)), compare,
                  std::to_string(top), filters, grain},
            {},
            false};
}

Question forecast_question(Parameters &parameters) {
    const std::string metric = parameters.text("metric", "revenue");
    const int horizon = parameters.number("horizon", 1, 400, 14);
    const auto by = parameters.list("by", "");
    const double coverage = parameters.real("coverage", 0, 1).value_or(0.9);
    const std::string grain = parameters.choice("grain", {"hour", "day"}, "day");
    const std::string filters = filters_of(parameters);
    return {fmt::format(R"(
SELECT json_build_object('metric', $1, 'count', count(*), 'data', coalesce(json_agg(json_build_object('segment', x.segment, 'at', x.at,
    'expected', {}, 'lower', {}, 'upper', {}) ORDER BY x.at, x.segment), '[]'))
  FROM kpi.forecast($1, $2::int, $3::name[], $4::float8, $5, $6::jsonb) x)",
                        number("x.expected"), number("x.lower"), number("x.upper")),
            Texts{metric, std::to_string(horizon), array_text(by), fmt::format("{}", coverage),
                  grain, filters},
            {},
            false};
}

}  // namespace kpi::web
