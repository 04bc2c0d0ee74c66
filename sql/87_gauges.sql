-- Gauges: today's numbers for Prometheus, pushed when they change. A gauge is a row first, so that a DBA sees it before anybody receives it.

CREATE TABLE kpi.publication (
    sink     text COLLATE "C" PRIMARY KEY,
    metrics  text[] NOT NULL CHECK (metrics <> '{}'),
    "by"     name[] NOT NULL DEFAULT '{}',
    top      integer NOT NULL CHECK (top > 0),
    rank_by  text,
    every    interval NOT NULL CHECK (every >= interval '1 second'),
    owner    regrole NOT NULL
);
COMMENT ON TABLE kpi.publication IS 'Which gauges go to which Pushgateway. Written by kpi.publish and kpi.unpublish';
COMMENT ON COLUMN kpi.publication.every IS 'The shortest time between two pushes. They are pushed when a number has changed, and every minute at the latest';
COMMENT ON COLUMN kpi.publication.owner IS 'The role whose rights read the metrics and use the sink';
SELECT pg_catalog.pg_extension_config_dump('kpi.publication', '');

CREATE TABLE kpi.publication_state (
    sink      text COLLATE "C" PRIMARY KEY,
    due_at    timestamptz NOT NULL DEFAULT '-infinity',
    seen      text,
    pushed_at timestamptz,
    message   bigint,
    error     text
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE kpi.publication_state IS 'What each publication pushed last, and what it could not';
COMMENT ON COLUMN kpi.publication_state.seen IS 'A digest of the numbers, without the clocks';

ALTER TABLE kpi.publication ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.publication FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));
ALTER TABLE kpi.publication_state ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.publication_state FOR SELECT USING (EXISTS (SELECT FROM kpi.publication p WHERE p.sink = publication_state.sink));

-- Figures of what belongs to roles: kpi_admin sees its own, kpi_reader and kpi_operator all. Not inlined (SET), so that nobody's rights
-- on the views are asked for unless it runs.
CREATE FUNCTION kpi._watch_gauges() RETURNS TABLE (gauge text, labels jsonb, value numeric, help text, is_clock boolean)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH sinks AS MATERIALIZED (SELECT jsonb_build_object('sink', s.sink) AS labels, s.* FROM kpi.outbox_stats s)
SELECT 'kpi_outbox_pending', s.labels, s.pending + s.sending, 'Messages that wait or are on their way', true FROM sinks s
 UNION ALL
SELECT 'kpi_outbox_oldest_age_seconds', s.labels, coalesce(round(extract(epoch FROM s.oldest), 3), 0), 'Age of the oldest message that is not settled', true FROM sinks s
 UNION ALL
SELECT 'kpi_outbox_dead', s.labels, s.dead, 'Messages that were given up', true FROM sinks s
 UNION ALL
SELECT 'kpi_outbox_failed_last_hour', s.labels, s.failed_last_hour, 'Attempts of the last hour that failed', true FROM sinks s
 UNION ALL
SELECT 'kpi_sink_breaker_open', s.labels, (s.breaker <> 'closed')::int, 'Whether nothing is sent for now because the sink keeps failing', true FROM sinks s
 UNION ALL
SELECT 'kpi_open_incidents', jsonb_build_object('severity', v.severity, 'state', w.state),
       coalesce((SELECT sum(CASE w.state WHEN 'firing' THEN i.firing ELSE i.acknowledged END) FROM kpi.incident_stats i WHERE i.severity = v.severity), 0),
       'Problems that are open', false
  FROM unnest('{info,warning,critical}'::text[]) v (severity), unnest('{firing,acknowledged}'::text[]) w (state)
 UNION ALL
SELECT 'kpi_failing_checks', jsonb_build_object('severity', v.severity),
       (SELECT count(*) FROM kpi.check_status c WHERE c.enabled AND c.severity = v.severity AND c.state IN ('failing', 'error')),
       'Checks of the data that fail, or cannot be run', true
  FROM unnest('{info,warning,critical}'::text[]) v (severity)
 UNION ALL
SELECT 'kpi_jobs_overdue', '{}', count(*) FILTER (WHERE j.overdue), 'Jobs that should have run ten minutes ago', true FROM kpi.job_status j WHERE j.enabled
 UNION ALL
SELECT 'kpi_jobs_failed', '{}', count(*) FILTER (WHERE j.last_state = 'failed'), 'Jobs whose last run failed', true FROM kpi.job_status j WHERE j.enabled;
END;
COMMENT ON FUNCTION kpi._watch_gauges() IS 'Internal: the part of kpi.health_gauges that needs kpi_admin or kpi_reader';

CREATE FUNCTION kpi.health_gauges() RETURNS TABLE (gauge text, labels jsonb, value numeric, help text, is_clock boolean)
    LANGUAGE sql STABLE PARALLEL RESTRICTED COST 50000
BEGIN ATOMIC
WITH status AS MATERIALIZED (SELECT kpi.status() AS s),
worker AS MATERIALIZED (
    SELECT (s #>> '{worker,heartbeat_age_seconds}')::numeric AS age, (s #>> '{worker,running}')::boolean AS running,
           (s #>> '{worker,preloaded}')::boolean AND (s #>> '{worker,wanted}')::boolean AND NOT pg_is_in_recovery() AS due
      FROM status
), sources AS MATERIALIZED (
    SELECT jsonb_build_object('source', e.key) AS labels, e.value FROM status, jsonb_each(s -> 'sources') e
)
SELECT 'kpi_worker_heartbeat_timestamp_seconds', '{}'::jsonb, floor(extract(epoch FROM clock_timestamp())) - round(w.age),
       'When the worker of this database last finished a round', true
  FROM worker w WHERE w.age IS NOT NULL
 UNION ALL
SELECT 'kpi_worker_up', '{}', w.running::int, 'Whether the worker runs, where it should', true FROM worker w WHERE w.due
 UNION ALL
SELECT 'kpi_source_ok', e.labels, (e.value ->> 'state' NOT IN ('set aside', 'incomplete'))::int, '0: set aside after an error, or incomplete', true FROM sources e
 UNION ALL
SELECT 'kpi_source_deltas', e.labels, (e.value ->> 'deltas')::numeric, 'Changes that are not merged yet', true FROM sources e
 UNION ALL
SELECT 'kpi_source_merged_timestamp_seconds', e.labels, floor(extract(epoch FROM (e.value ->> 'merged_at')::timestamptz)), 'When changes were last merged', true FROM sources e
 UNION ALL
SELECT 'kpi_capture_error_rows', e.labels, coalesce((e.value ->> 'skipped_rows')::numeric, 0), 'Rows that count nowhere because the facts view raised an error', true FROM sources e
 UNION ALL
SELECT x.gauge, x.labels, x.value, x.help, x.is_clock FROM kpi._watch_gauges() x WHERE has_table_privilege('kpi.outbox_stats', 'SELECT');
END;
COMMENT ON FUNCTION kpi.health_gauges() IS
    'kpi_ext itself as Prometheus gauges: the worker, sources, and to members of kpi_admin and kpi_reader messages by sink, open incidents, failing checks and jobs, as far as they may see them. Part of kpi.gauges';

-- What is no rate is a total of a day, of which the mean is shown: distinct counts of days do not add up to that of a week; a rate (unit %) has no day that it grows with.
CREATE FUNCTION kpi.gauges(metrics text[], "by" name[] DEFAULT '{}', top integer DEFAULT 10, rank_by text DEFAULT NULL)
    RETURNS TABLE (gauge text, labels jsonb, value numeric, help text, is_clock boolean)
    LANGUAGE sql STABLE PARALLEL RESTRICTED COST 50000
BEGIN ATOMIC
WITH wanted AS MATERIALIZED (
    SELECT m.name, coalesce(m.unit = '%', false) AS is_rate,
           'kpi_' || regexp_replace(lower(m.name), '[^a-z0-9_]', '_', 'g') AS base
      FROM kpi.metric m WHERE m.name = ANY (gauges.metrics)
), today AS MATERIALIZED (
    SELECT q.* FROM kpi.query(gauges.metrics, 'today', max_rows => NULL) q
), week AS MATERIALIZED (
    SELECT q.metric, q.value FROM kpi.query(gauges.metrics, '7d', 'yesterday', grain => 'total', max_rows => NULL, expected => false) q
), yesterday AS MATERIALIZED (
    SELECT q.metric, q.value FROM kpi.query(gauges.metrics, 'yesterday', 'yesterday', max_rows => NULL, expected => false) q
), days AS MATERIALIZED (
    SELECT q.metric, avg(q.value) AS value FROM kpi.query(gauges.metrics, '7d', 'yesterday', max_rows => NULL, expected => false) q GROUP BY 1
), leaders AS MATERIALIZED (
    SELECT q.segment FROM kpi.query(ARRAY[coalesce(gauges.rank_by, gauges.metrics[1])], '28d', by => gauges.by, grain => 'total', max_rows => NULL) q
     WHERE gauges.by <> '{}' ORDER BY q.value DESC NULLS LAST, q.segment LIMIT greatest(gauges.top, 0)
), parts AS MATERIALIZED (
    SELECT q.metric, q.segment, q.value FROM kpi.query(gauges.metrics, 'today', by => gauges.by, max_rows => NULL) q WHERE gauges.by <> '{}'
), part_weeks AS MATERIALIZED (
    SELECT q.metric, q.segment, q.value
      FROM kpi.query(gauges.metrics, '7d', 'yesterday', by => gauges.by, grain => 'total', max_rows => NULL, expected => false) q WHERE gauges.by <> '{}'
), part_days AS MATERIALIZED (
    SELECT q.metric, q.segment, avg(q.value) AS value
      FROM kpi.query(gauges.metrics, '7d', 'yesterday', by => gauges.by, max_rows => NULL, expected => false) q WHERE gauges.by <> '{}' GROUP BY 1, 2
)
SELECT w.base || CASE WHEN w.is_rate THEN '' ELSE '_today' END, '{}'::jsonb, t.value, w.name || ' of today so far', false
  FROM wanted w JOIN today t ON t.metric = w.name
 UNION ALL
SELECT w.base || '_avg7d', '{}', CASE WHEN w.is_rate THEN a.value ELSE round(d.value, 6) END, w.name || ' a day, mean of the last 7 complete days', false
  FROM wanted w JOIN week a ON a.metric = w.name JOIN days d ON d.metric = w.name
 UNION ALL
SELECT w.base || '_last_day', '{}', y.value, w.name || ' of the last complete day', false
  FROM wanted w JOIN yesterday y ON y.metric = w.name
 UNION ALL
SELECT w.base || '_expected_by_now', '{}', t.expected_so_far, w.name || ' that the same weekdays had by this time of day (median)', true
  FROM wanted w JOIN today t ON t.metric = w.name
 UNION ALL
SELECT w.base || '_pace', '{}', round(t.value / nullif(t.expected_so_far, 0), 6), w.name || ' of today so far as a share of what is expected by now', true
  FROM wanted w JOIN today t ON t.metric = w.name WHERE NOT w.is_rate
 UNION ALL
-- A leader without a row today has 0, not an old value.
SELECT w.base || '_by_segment', l.segment, coalesce(p.value, CASE WHEN NOT w.is_rate THEN 0 END), w.name || ' of today so far, the leading segments of 28 days', false
  FROM wanted w CROSS JOIN leaders l LEFT JOIN parts p ON p.metric = w.name AND p.segment = l.segment
 UNION ALL
SELECT w.base || '_avg7d_by_segment', l.segment, CASE WHEN w.is_rate THEN p.value ELSE coalesce(round(d.value, 6), 0) END,
       w.name || ' a day, mean of the last 7 complete days, the leading segments of 28 days', false
  FROM wanted w CROSS JOIN leaders l LEFT JOIN part_weeks p ON p.metric = w.name AND p.segment = l.segment
  LEFT JOIN part_days d ON d.metric = w.name AND d.segment = l.segment
 UNION ALL
SELECT 'kpi_day_elapsed_ratio', '{}', round(min(t.elapsed_fraction)::numeric, 6), 'Share of the day that is over', true FROM today t
 UNION ALL
SELECT 'kpi_data_as_of_timestamp_seconds', '{}', floor(extract(epoch FROM min(t.as_of))), 'What the oldest of the numbers knows', true FROM today t
 UNION ALL
SELECT 'kpi_last_closed_day_timestamp_seconds', '{}', floor(extract(epoch FROM min(t.bucket))), 'End of the last day that is complete', false FROM today t
 UNION ALL
SELECT h.gauge, h.labels, h.value, h.help, h.is_clock FROM kpi.health_gauges() h;
END;
COMMENT ON FUNCTION kpi.gauges(text[], name[], integer, text) IS
    'Today''s numbers as Prometheus gauges: kpi_<metric>_today (a rate, unit %: kpi_<metric>), _avg7d, _last_day, _expected_by_now, _pace, and by the leading segments of the last 28 days _by_segment and _avg7d_by_segment; and kpi.health_gauges. top: how many segments; rank_by: the metric that ranks them (default the first). is_clock: changes by itself';

CREATE FUNCTION kpi.prometheus_text(metrics text[] DEFAULT NULL, "by" name[] DEFAULT '{}', top integer DEFAULT 10, rank_by text DEFAULT NULL)
    RETURNS text LANGUAGE c STABLE PARALLEL UNSAFE CALLED ON NULL INPUT COST 100000 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_prometheus_text';
COMMENT ON FUNCTION kpi.prometheus_text(text[], name[], integer, text) IS
    'kpi.gauges in Prometheus'' text format 0.0.4, for a scrape without a Pushgateway; a label "database" stands where kpi.publish has it in the group. metrics NULL: all that you may read, with segments where they have the dimensions. Gauges without a value are left out. A metric that raises an error when it is read is left out too and named by kpi_metric_unreadable (metric, sqlstate); one that is asked for by name and unknown, not yours to read or without the dimensions is an error';

CREATE FUNCTION kpi.publish(sink text, metrics text[], "by" name[] DEFAULT '{}', top integer DEFAULT 10, rank_by text DEFAULT NULL, every interval DEFAULT '15 seconds')
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_publish';
COMMENT ON FUNCTION kpi.publish(text, text[], name[], integer, text, interval) IS
    'Pushes kpi.gauges of these metrics to a Pushgateway, with your rights: when a number has changed, at most once in every, and once a minute at the latest. Replaces what was published to the sink';
CREATE FUNCTION kpi.unpublish(sink text) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_unpublish';
COMMENT ON FUNCTION kpi.unpublish(text) IS
    'Ends a publication; the gateway is told to forget its gauges, which it would keep for ever. false: nothing was published to the sink';
REVOKE ALL ON FUNCTION kpi.publish(text, text[], name[], integer, text, interval), kpi.unpublish(text) FROM PUBLIC;
