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
COMMENT ON TABLE kpi.publication_state IS 'What each publication pushed last, and why not';
COMMENT ON COLUMN kpi.publication_state.seen IS 'A digest of the numbers, without the clocks';

ALTER TABLE kpi.publication ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.publication FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));
ALTER TABLE kpi.publication_state ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.publication_state FOR SELECT USING (EXISTS (SELECT FROM kpi.publication p WHERE p.sink = publication_state.sink));

-- Sums are totals of a day; a rate (unit %) has no day that it grows with.
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
), leaders AS MATERIALIZED (
    SELECT q.segment FROM kpi.query(ARRAY[coalesce(gauges.rank_by, gauges.metrics[1])], '28d', by => gauges.by, grain => 'total', max_rows => NULL) q
     WHERE gauges.by <> '{}' ORDER BY q.value DESC NULLS LAST, q.segment LIMIT greatest(gauges.top, 0)
), parts AS MATERIALIZED (
    SELECT q.metric, q.segment, q.value FROM kpi.query(gauges.metrics, 'today', by => gauges.by, max_rows => NULL) q WHERE gauges.by <> '{}'
), part_weeks AS MATERIALIZED (
    SELECT q.metric, q.segment, q.value
      FROM kpi.query(gauges.metrics, '7d', 'yesterday', by => gauges.by, grain => 'total', max_rows => NULL, expected => false) q WHERE gauges.by <> '{}'
)
SELECT w.base || CASE WHEN w.is_rate THEN '' ELSE '_today' END, '{}'::jsonb, t.value, w.name || ' of today so far', false
  FROM wanted w JOIN today t ON t.metric = w.name
 UNION ALL
SELECT w.base || '_avg7d', '{}', CASE WHEN w.is_rate THEN a.value ELSE round(a.value / 7, 6) END, w.name || ' a day, mean of the last 7 complete days', false
  FROM wanted w JOIN week a ON a.metric = w.name
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
SELECT w.base || '_avg7d_by_segment', l.segment, CASE WHEN w.is_rate THEN p.value ELSE coalesce(round(p.value / 7, 6), 0) END,
       w.name || ' a day, mean of the last 7 complete days, the leading segments of 28 days', false
  FROM wanted w CROSS JOIN leaders l LEFT JOIN part_weeks p ON p.metric = w.name AND p.segment = l.segment
 UNION ALL
SELECT 'kpi_day_elapsed_ratio', '{}', round(min(t.elapsed_fraction)::numeric, 6), 'Share of the day that is over', true FROM today t
 UNION ALL
SELECT 'kpi_data_as_of_timestamp_seconds', '{}', floor(extract(epoch FROM min(t.as_of))), 'What the oldest of the numbers knows', true FROM today t
 UNION ALL
SELECT 'kpi_last_closed_day_timestamp_seconds', '{}', floor(extract(epoch FROM min(t.bucket))), 'End of the last day that is complete', false FROM today t
 UNION ALL
SELECT 'kpi_worker_heartbeat_timestamp_seconds', '{}', floor(extract(epoch FROM clock_timestamp())) - coalesce(round((kpi.status() #>> '{worker,heartbeat_age_seconds}')::numeric), 0),
       'When the worker of this database last finished a round', true
 WHERE kpi.status() #>> '{worker,heartbeat_age_seconds}' IS NOT NULL;
END;
COMMENT ON FUNCTION kpi.gauges(text[], name[], integer, text) IS
    'Today''s numbers as Prometheus gauges: kpi_<metric>_today (a rate, unit %: kpi_<metric>), _avg7d, _expected_by_now, _pace, and by the leading segments of the last 28 days _by_segment and _avg7d_by_segment. top: how many segments; rank_by: the metric that ranks them (default the first). is_clock: changes by itself';

CREATE FUNCTION kpi.publish(sink text, metrics text[], "by" name[] DEFAULT '{}', top integer DEFAULT 10, rank_by text DEFAULT NULL, every interval DEFAULT '15 seconds')
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_publish';
COMMENT ON FUNCTION kpi.publish(text, text[], name[], integer, text, interval) IS
    'Pushes kpi.gauges of these metrics to a Pushgateway, with your rights: when a number has changed, at most once in every, and once a minute at the latest. Replaces what was published to the sink';
CREATE FUNCTION kpi.unpublish(sink text) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_unpublish';
COMMENT ON FUNCTION kpi.unpublish(text) IS
    'Ends a publication; the gateway is told to forget its gauges, which it would keep for ever. false: nothing was published to the sink';
REVOKE ALL ON FUNCTION kpi.publish(text, text[], name[], integer, text, interval), kpi.unpublish(text) FROM PUBLIC;
