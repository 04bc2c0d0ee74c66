// The endpoints that read something else than metrics: incidents, quality, recent rows, reports,
// what there is.
#include <fmt/format.h>

#include <algorithm>

#include "web/http_error.hpp"
#include "web/questions.hpp"
#include "web/sql_text.hpp"

namespace kpi::web {
namespace {

constexpr const char *kFirstMeasure =
    "(SELECT m.name FROM kpi.measure m WHERE m.source = s.name ORDER BY m.position LIMIT 1)";

// Every measure, those that count values too.
constexpr const char *kMeasures =
    "(SELECT m.name, m.source FROM kpi.measure m UNION ALL SELECT c.name, c.source FROM "
    "kpi.counted "
    "c)";

}  // namespace

Question meta_question(bool read_only) {
    return {fmt::format(R"(
WITH readable AS MATERIALIZED (
    SELECT s.name, s.dimensions, s.timezone, {0} AS measure FROM kpi.source s WHERE has_table_privilege(s.facts, 'SELECT')
), found AS MATERIALIZED (
    SELECT d.name AS dimension, q.segment ->> d.name AS value, sum(q.value) AS size
      FROM readable s CROSS JOIN unnest(s.dimensions) d (name)
     CROSS JOIN LATERAL kpi.query(ARRAY[s.measure], '90d', by => ARRAY[d.name], grain => 'total', max_rows => NULL, expected => false) q
     GROUP BY 1, 2
), ranked AS (
    SELECT f.*, row_number() OVER (PARTITION BY f.dimension ORDER BY f.size DESC NULLS LAST, f.value) AS place FROM found f
), of_metric AS (
    SELECT m.name, m.unit, m.good, m.description,
           coalesce((SELECT s.dimensions FROM {1} x JOIN kpi.source s ON s.name = x.source WHERE x.name = m.measure),
                    (SELECT array_agg(DISTINCT d.name) FROM {1} x JOIN kpi.source s ON s.name = x.source CROSS JOIN unnest(s.dimensions) d (name)
                      WHERE m.formula ~ ('\m' || x.name || '\M')), '{{}}') AS dimensions
      FROM kpi.metric m
)
SELECT json_build_object('version', (SELECT extversion FROM pg_extension WHERE extname = 'kpi_ext'), 'database', current_database(),
    'timezone', (SELECT min(r.timezone) FROM readable r), 'may_acknowledge', NOT $1::boolean AND pg_has_role('kpi_operator', 'USAGE') AND coalesce(current_setting('kpi.public_url', true), '') <> '',
    'metrics', coalesce((SELECT json_agg(json_build_object('name', m.name, 'unit', m.unit, 'good', m.good, 'description', m.description,
                                                           'dimensions', m.dimensions) ORDER BY m.name) FROM of_metric m), '[]'),
    'dimensions', coalesce((SELECT json_object_agg(x.dimension, x.values)
                              FROM (SELECT r.dimension, json_agg(r.value ORDER BY r.place) AS values FROM ranked r WHERE r.place <= 200 GROUP BY 1) x), '{{}}')))",
                        kFirstMeasure, kMeasures),
            {read_only ? "true" : "false"},
            {},
            false};
}

Question incidents_question(Parameters &parameters) {
    const std::string state = parameters.choice("state", {"open", "resolved", "all"}, "open");
    const int limit = parameters.number("limit", 1, 1000, 100);
    return {R"(
WITH shown AS (
    SELECT i.* FROM kpi.incident_history i
     WHERE i.depth = 0 AND ($1 = 'all' OR (i.state = 'resolved') = ($1 = 'resolved'))
     ORDER BY i.started_at DESC, i.id DESC LIMIT $2::int
)
SELECT json_build_object('count', (SELECT count(*) FROM shown), 'incidents', coalesce((
    SELECT json_agg(json_build_object('id', i.id, 'severity', i.severity, 'state', i.state, 'kind', i.kind,
        'title', coalesce(i.title, 'an incident of kind ' || i.kind), 'rule', i.rule, 'metric', i.metric, 'segment', coalesce(i.segment, '{}'),
        'assignee', i.assignee, 'acknowledged_by', i.acknowledged_by, 'started_at', i.started_at, 'fired_at', i.fired_at,
        'resolved_at', i.resolved_at, 'members', i.members, 'silenced_until', i.silenced_until,
        'links', CASE WHEN i.state = 'resolved' THEN '{"acknowledge": null, "snooze": null}'
            ELSE (SELECT jsonb_object_agg(l.key, substring(l.value FROM '/incidents/act.*')) FROM jsonb_each_text(kpi._incident_links(i.id)) l) END) ORDER BY i.started_at DESC, i.id DESC) FROM shown i), '[]')))",
            {state, std::to_string(limit)},
            {},
            false};
}

Question quality_question(Parameters &) {
    return {fmt::format(R"(
WITH status AS MATERIALIZED (SELECT kpi.status() AS j),
sources AS (
    SELECT s.name, s.timezone, EXISTS (SELECT FROM kpi.dirty d WHERE d.source = s.name) AS dirty,
           (SELECT max(q.bucket) FROM kpi.query(ARRAY[{0}], '3d', grain => 'hour', max_rows => NULL, expected => false) q WHERE q.value <> 0) AS last_at,
           (SELECT max(q.day) FROM kpi.query(ARRAY[{0}], '90d', max_rows => NULL, expected => false) q WHERE q.value <> 0) AS last_day
      FROM kpi.source s WHERE has_table_privilege(s.facts, 'SELECT')
)
SELECT json_build_object(
    'worker', json_build_object('running', status.j #> '{{worker,running}}', 'heartbeat_age_s', status.j #> '{{worker,heartbeat_age_seconds}}'),
    'null_revenue_pct', (SELECT {1} FROM kpi.metric m CROSS JOIN LATERAL kpi.query(ARRAY[m.name], '7d', grain => 'total', expected => false) q
                          WHERE m.name = 'revenue_null_pct'),
    'sources', coalesce((SELECT json_agg(json_build_object('source', s.name, 'last_at', s.last_at, 'age_seconds', round(extract(epoch FROM now() - s.last_at)),
                             'days_behind', (now() AT TIME ZONE s.timezone)::date - s.last_day, 'dirty', s.dirty,
                             'lag_seconds', status.j #> ARRAY['sources', s.name, 'lag_seconds']) ORDER BY s.name) FROM sources s), '[]'),
    'checks', coalesce((SELECT json_agg(json_build_object('name', c.name, 'kind', c.kind, 'source', c.source, 'severity', c.severity, 'state', c.state,
                            'since', c.since, 'ran_at', c.ran_at, 'message', c.message) ORDER BY c.name) FROM kpi.check_status c WHERE c.enabled), '[]'),
    'views', coalesce((SELECT json_agg(json_build_object('view', v.view::text, 'rows', v.rows, 'max_day', v.max_day, 'days_behind', v.days_behind,
                           'refreshed_at', v.refreshed_at) ORDER BY v.view::text) FROM kpi.view_state v), '[]'),
    'probes', coalesce((SELECT json_agg(json_build_object('name', p.name, 'slow_above_ms', 1000 * extract(epoch FROM p.slow_above), 'median_ms', p.median,
                            'p95_ms', p.p95, 'last_ms', p.last, 'last_at', p.last_at) ORDER BY p.name) FROM kpi.probe_stats p WHERE p.enabled), '[]'),
    'deliveries', coalesce((SELECT json_agg(to_json(o) ORDER BY o.sink) FROM kpi.outbox_stats o), '[]'))
  FROM status)",
                        kFirstMeasure, number("q.value")),
            {},
            {},
            false};
}

Question recent_question(Parameters &parameters) {
    const std::string kind = parameters.choice("kind", {"payments", "leads"}, "payments");
    const int limit = parameters.number("limit", 1, 200, 20);
    const std::string filters = filters_of(parameters);
    return {R"(
WITH shape AS (
    SELECT s.dimensions, ARRAY(SELECT m.name FROM kpi.measure m WHERE m.source = s.name ORDER BY m.position) AS measures
      FROM kpi.source s WHERE s.name = $1
)
SELECT json_build_object('kind', $1, 'columns', '{at}'::text[] || shape.dimensions::text[] || shape.measures, 'rows', coalesce((
    SELECT json_agg((SELECT json_agg(cell ORDER BY place) FROM (
        SELECT 0 AS place, to_json(r.at) AS cell
         UNION ALL SELECT d.place, to_json(r.segment ->> d.name::text) FROM unnest(shape.dimensions) WITH ORDINALITY d (name, place)
         UNION ALL SELECT 100 + m.place, (r.measures -> m.name)::json FROM unnest(shape.measures) WITH ORDINALITY m (name, place)) cells)
        ORDER BY r.at DESC) FROM kpi.recent($1, $2::int, $3::jsonb) r), '[]'))
  FROM shape)",
            {kind, std::to_string(limit), filters},
            {},
            false};
}

Question reports_question(Parameters &parameters) {
    const auto kind = parameters.text("kind");
    const int limit = parameters.number("limit", 1, 1000, 100);
    return {R"(
WITH shown AS (
    SELECT r.id, r.kind, r.period, r.format, r.language, r.version, r.restates, r.object_key, r.content_type, r.size, r.checksum, r.made_at
      FROM kpi.report r WHERE $1::text IS NULL OR r.kind = $1 ORDER BY r.made_at DESC, r.id DESC LIMIT $2::int
)
SELECT json_build_object('count', (SELECT count(*) FROM shown), 'reports', coalesce((
    SELECT json_agg(json_build_object('id', r.id, 'kind', r.kind, 'first_day', lower(r.period), 'last_day', upper(r.period) - 1, 'format', r.format,
        'language', r.language, 'version', r.version, 'restates', r.restates, 'content_type', r.content_type, 'size', r.size,
        'checksum', r.checksum, 'made_at', r.made_at, 'url', '/api/reports/' || r.id) ORDER BY r.made_at DESC, r.id DESC) FROM shown r), '[]')))",
            {kind, std::to_string(limit)},
            {},
            false};
}

Question report_question(const std::string &id, Parameters &parameters) {
    parameters.refuse_others();
    if (id.empty() || id.size() > 18 ||
        !std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; }))
        throw HttpError(404, "not_found", "there is no such report");
    return {
        "SELECT r.content_type, regexp_replace(r.object_key, '^.*/', ''), "
        "encode(kpi.report_content(r.id), 'hex') FROM kpi.report r WHERE r.id = $1::bigint",
        {id},
        {},
        false};
}

Question metrics_question(Parameters &parameters) {
    const auto metrics = parameters.list("metrics", "");
    const auto by = parameters.list("by", "");
    const int top = parameters.number("top", 1, 1000, 10);
    const auto rank_by = parameters.text("rank_by");
    parameters.refuse_others();
    return {"SELECT kpi.prometheus_text($1::text[], $2::name[], $3::int, $4)",
            {metrics.empty() ? std::nullopt : std::optional(array_text(metrics)), array_text(by),
             std::to_string(top), rank_by},
            {},
            false};
}

}  // namespace kpi::web
