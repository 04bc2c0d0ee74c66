// /api/kpi/query as the stack before kpi_ext answered it: its parameters, its envelope, days as
// instants of UTC. docs/web.md has recorded examples, which are tests.
#include <fmt/format.h>

#include <map>

#include "web/http_error.hpp"
#include "web/questions.hpp"
#include "web/sql_text.hpp"

namespace kpi::web {
namespace {

const std::map<std::string, std::string, std::less<>> kGrains = {
    {"hourly", "hour"},       {"daily", "day"},   {"weekly", "week"}, {"monthly", "month"},
    {"quarterly", "quarter"}, {"yearly", "year"}, {"total", "total"}};

// The four, beside each other.
constexpr const char *kWide = "'{leads,conversion_pct,revenue,payments_success_rate}'::text[]";

}  // namespace

Question old_query_question(Parameters &parameters) {
    const auto metric = parameters.text("metric");
    const std::string start = parameters.text("start_date", "7d");
    const auto end = parameters.text("end_date");
    const auto country = parameters.text("country");
    const auto source = parameters.text("source");
    const std::string aggregate = parameters.choice(
        "aggregate", {"hourly", "daily", "weekly", "monthly", "quarterly", "yearly", "total"},
        "daily");
    const int limit = parameters.number("limit", 1, 10000, 1000);
    const std::string &grain = kGrains.find(aggregate)->second;
    const std::string date = fmt::format(
        "'date', CASE WHEN $5 = 'hour' THEN to_char(q.bucket, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
        "ELSE to_char(q.day, "
        "'YYYY-MM-DD\"T00:00:00Z\"') END");
    std::string values;
    if (metric) {
        values = ", 'value', " + number("max(q.value)");
    } else {
        for (const char *name : {"leads", "conversion_pct", "revenue", "payments_success_rate"})
            values += fmt::format(
                ", '{}', {}", name,
                number(fmt::format("max(q.value) FILTER (WHERE q.metric = '{}')", name)));
    }
    return {fmt::format(R"(
WITH known AS (SELECT ARRAY(SELECT m.name FROM kpi.metric m WHERE m.name = ANY ({0}) ORDER BY 1) AS names),
filters AS (SELECT jsonb_strip_nulls(jsonb_build_object('country', $3::text, 'source', $4::text)) AS filters),
q AS MATERIALIZED (
    SELECT q.* FROM known, filters f, kpi.query(CASE WHEN $7::text IS NULL THEN known.names ELSE ARRAY[$7] END, $1, $2, f.filters,
        '{{}}', $5, max_rows => NULL, expected => false) q
), rows AS (
    SELECT q.bucket, json_build_object({1}{2}) AS row FROM q GROUP BY q.bucket, q.day ORDER BY q.bucket LIMIT $6::int
), range AS (
    SELECT kpi.query_json(coalesce($7, known.names[1]), $1, $2, aggregate => 'total', "limit" => 1) AS j FROM known
), days AS (
    SELECT (j ->> 'start_date') || 'T00:00:00Z' AS start_date, (j ->> 'end_date') || 'T23:59:59Z' AS end_date FROM range
)
SELECT json_build_object('data', coalesce((SELECT json_agg(r.row ORDER BY r.bucket) FROM rows r), '[]'),
    'params', json_build_object('metric', $7::text, 'start_date', d.start_date, 'end_date', d.end_date, 'country', $3::text,
                                'source', $4::text, 'aggregate', $8::text, 'limit', $6::int),
    'count', (SELECT count(*) FROM rows), 'start_date', d.start_date, 'end_date', d.end_date)
  FROM days d)",
                        kWide, date, values),
            {start, end, country, source, grain, std::to_string(limit), metric, aggregate},
            {},
            false};
}

}  // namespace kpi::web
