-- What dashboards read beside the numbers: states and histories without contents, for kpi_reader, and the backup alerts of Grafana.

CREATE VIEW kpi.view_state WITH (security_barrier) AS
SELECT v.view, CASE WHEN NOT c.relispopulated THEN 'building' WHEN v.last_error_at > coalesce(v.refreshed_at, '-infinity') THEN 'failing' ELSE 'ready' END AS state,
       CASE WHEN c.relispopulated THEN v.rows END AS rows, CASE WHEN c.relispopulated THEN v.max_day END AS max_day,
       CASE WHEN c.relispopulated THEN (pg_catalog.clock_timestamp() AT TIME ZONE coalesce(v.timezone, pg_catalog.current_setting('TimeZone')))::date - v.max_day END AS days_behind,
       v.refreshed_at, v.duration, v.last_error_at
  FROM kpi.view v
 -- One by one: the right is looked up for each of these, not for all of pg_class.
 CROSS JOIN LATERAL (SELECT o.relispopulated, o.relowner FROM pg_catalog.pg_class o WHERE o.oid = v.view OFFSET 0) c
 WHERE kpi._may_watch((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), c.relowner);
COMMENT ON VIEW kpi.view_state IS 'Each watched materialized view as its last refresh left it: rows, latest day, and how many days that is behind today. state: building (made WITH NO DATA and not filled yet), ready, failing. For kpi_reader too';

CREATE VIEW kpi.probe_history WITH (security_barrier) AS
SELECT r.name, r.at, r.milliseconds, r.slow, r.milliseconds IS NULL AS failed, r.plan_changed
  FROM kpi.probe p JOIN kpi.probe_run r ON r.name = p.name
 WHERE kpi._may_watch((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), p.owner);
COMMENT ON VIEW kpi.probe_history IS 'Every run of every probe that is kept, without rows, plans and error texts: for kpi_reader too';

-- A title tells numbers of segments: to those who could read them themselves.
CREATE VIEW kpi.incident_history WITH (security_barrier) AS
SELECT i.id, i.severity, i.state, i.kind, i.rule, CASE WHEN i.parent IS NULL THEN 0 ELSE 1 END AS depth,
       CASE WHEN w.told THEN i.title END AS title, CASE WHEN w.told THEN i.segment END AS segment, i.started_at, i.fired_at, i.resolved_at,
       i.labels ->> 'metric' AS metric, CASE WHEN w.told THEN i.assignee END AS assignee, i.acknowledged_by,
       (SELECT pg_catalog.count(*) FROM kpi.incident c WHERE c.parent = i.id AND c.state IN ('firing', 'acknowledged')) AS members,
       (SELECT pg_catalog.max(s.until) FROM kpi.silence s WHERE i.labels @> s.matcher AND (s.incident IS NULL OR s.incident = i.id)
           AND s.until > pg_catalog.clock_timestamp() AND kpi._may_run(s.role, i.role)) AS silenced_until
  FROM kpi.incident i
 CROSS JOIN LATERAL (
       SELECT kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), i.role)
           OR i.kind = 'rule' AND EXISTS (SELECT FROM kpi.metric m WHERE m.name = i.labels ->> 'metric')
              AND (SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(s.facts, 'SELECT')
                                              AND NOT coalesce(pg_catalog.array_to_string(c.reloptions, ',') ~ 'security_invoker', false))
                     FROM kpi.source s JOIN pg_catalog.pg_class c ON c.oid = s.facts)) w (told)
 WHERE i.fired_at IS NOT NULL AND kpi._may_watch((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), i.role);
COMMENT ON VIEW kpi.incident_history IS 'Problems that fired, open and over, for lists and annotations; depth 1: a part of a larger one, which speaks for it. For kpi_reader too; it sees title and segment of rules only, and only when it may read every facts view';

CREATE FUNCTION kpi._no_such(what text, name text, known text[]) RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_no_such';
COMMENT ON FUNCTION kpi._no_such(text, text, text[]) IS 'Internal: the error (42704) of a function in SQL that was asked for what is not among the known';
REVOKE ALL ON FUNCTION kpi._no_such(text, text, text[]) FROM PUBLIC;

CREATE FUNCTION kpi.backup_alerts(alert text DEFAULT NULL, always boolean DEFAULT false)
    RETURNS TABLE (name text, country text, source text, value numeric, bound numeric, active boolean, firing boolean)
    LANGUAGE sql STABLE PARALLEL RESTRICTED COST 50000 ROWS 100
BEGIN ATOMIC
-- change: what must be missing of the usual besides (of a rate in points), as in the rules of the same names.
WITH alerts (name, metric, threshold, kind, change, is_segment) AS (
    VALUES ('LowDailyLeads', 'leads', 'leads_critical', 'number', 0.2, false),
           ('LowRevenueVsAvg7d', 'revenue', 'revenue_vs_avg7d_critical', 'ratio', 0.2, false),
           ('LowPaymentSuccessRate', 'payments_success_rate', 'payment_success_critical', 'rate', 1, false),
           ('LowRevenueBySegment', 'revenue', 'revenue_by_segment_warning', 'ratio', 0.3, true),
           ('LowLeadsBySegment', 'leads', 'leads_by_segment_warning', 'number', 0.3, true)
), known AS MATERIALIZED (
    SELECT k.name, k.metric, k.kind, k.change, kpi.threshold_value(k.threshold) AS threshold,
           CASE WHEN k.is_segment THEN '{country,source}' ELSE '{}' END::name[] AS by
      FROM alerts k
     WHERE CASE WHEN backup_alerts.alert IS NULL THEN true
                WHEN EXISTS (SELECT FROM alerts a WHERE a.name = backup_alerts.alert) THEN k.name = backup_alerts.alert
                ELSE kpi._no_such('backup alert', backup_alerts.alert, ARRAY(SELECT a.name FROM alerts a)) IS NULL END
       AND EXISTS (SELECT FROM kpi.metric m WHERE m.name = k.metric)
), worker AS MATERIALIZED (
    SELECT coalesce(backup_alerts.always, false) OR coalesce((kpi.status() #>> '{worker,heartbeat_age_seconds}')::numeric, 'infinity')
           >= 60 * kpi.threshold_value('backup_after_minutes') AS is_silent
), share AS MATERIALIZED (
    -- How much of a day there usually is by now: of all segments together, so that one which is gone today has it too.
    SELECT m.metric, least(1, q.expected_so_far / nullif(w.value / 7, 0)) AS part
      FROM (SELECT DISTINCT CASE k.kind WHEN 'rate' THEN 'payments' ELSE k.metric END FROM known k) m (metric)
     CROSS JOIN LATERAL kpi.query(ARRAY[m.metric], 'today') q
     CROSS JOIN LATERAL kpi.query(ARRAY[m.metric], '7d', 'yesterday', grain => 'total', expected => false) w
), today AS MATERIALIZED (
    SELECT k.name, q.segment, q.value FROM known k CROSS JOIN LATERAL kpi.query(ARRAY[k.metric], 'today', by => k.by, max_rows => NULL, expected => false) q
), judged AS (
    SELECT k.name, k.kind, k.threshold, w.segment, CASE WHEN k.kind = 'rate' THEN t.value ELSE coalesce(t.value, 0) END AS value, s.part, u.usual,
           CASE k.kind WHEN 'rate' THEN least(k.threshold, u.usual - k.change)
                       WHEN 'ratio' THEN s.part * u.usual * least(k.threshold, 1 - k.change)
                       ELSE s.part * least(k.threshold, u.usual * (1 - k.change)) END AS bound
      FROM known k
     CROSS JOIN LATERAL kpi.query(ARRAY[k.metric], '7d', 'yesterday', by => k.by, grain => 'total', max_rows => NULL, expected => false) w
     CROSS JOIN LATERAL (SELECT CASE k.kind WHEN 'rate' THEN w.value ELSE w.value / 7 END AS usual) u
      JOIN share s ON s.metric = CASE k.kind WHEN 'rate' THEN 'payments' ELSE k.metric END
      LEFT JOIN today t ON t.name = k.name AND t.segment = w.segment
)
SELECT j.name, j.segment ->> 'country', j.segment ->> 'source', j.value, round(j.bound, 6), w.is_silent,
       w.is_silent AND coalesce(j.value < j.bound AND j.part >= 0.25, false)
  FROM judged j CROSS JOIN worker w
 -- Of a segment that never has so many, nobody expects them.
 WHERE j.segment = '{}' OR j.kind <> 'number' OR j.usual >= j.threshold
 ORDER BY 1, 2, 3;
END;
COMMENT ON FUNCTION kpi.backup_alerts(text, boolean) IS
    'The alarms of the old stack over the sales pack, for Grafana to ask every minute: one row for the total or for each segment of the last 7 days. value: of today so far; bound: what it must reach by this time of day. firing: below it, once a quarter of a usual day is there, and active: the worker was silent for backup_after_minutes (kpi.config), or always is true. alert: one of LowDailyLeads, LowRevenueVsAvg7d, LowPaymentSuccessRate, LowRevenueBySegment, LowLeadsBySegment';
REVOKE ALL ON FUNCTION kpi.backup_alerts(text, boolean) FROM PUBLIC;
