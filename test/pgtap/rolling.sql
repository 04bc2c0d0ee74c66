-- as: superuser
-- kpi.rolling where a wall clock is no clock: changes of daylight saving time, hours that are not kept, rates, distinct counts.
SELECT no_plan();
SET timezone = 'UTC';
CREATE FUNCTION public.differences(zone text, center timestamptz, retention interval DEFAULT '400 days') RETURNS TABLE (metric text, at timestamptz, length interval, rolling numeric, truth numeric)
LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS ping CASCADE;
    CREATE TABLE ping (at timestamptz NOT NULL, host text, good boolean);
    INSERT INTO ping SELECT center + n * interval '7 minutes 13 seconds', 'h' || n * n % 11, n % 3 <> 0 FROM generate_series(-800, 800) n;
    CREATE INDEX ON ping (at);
    CREATE VIEW ping_facts AS SELECT p.at, p.host, 1 AS pings, p.good::int AS good, p.host AS host_name FROM ping p;
    PERFORM kpi.track('ping_facts', 'at', '{host}', 'ping', zone, hour_retention => retention, aggregates => '{"hosts": {"distinct": "host_name"}}');
    PERFORM kpi.define('good_pct', '100.0 * good / pings', '%');
    PERFORM kpi.rebuild('ping');
    RETURN QUERY
    SELECT m.metric, w.at, w.length, kpi.rolling(m.metric, w.length, w.at),
           CASE m.metric WHEN 'pings' THEN t.pings WHEN 'hosts' THEN t.hosts WHEN 'good_pct' THEN t.good_pct END
      FROM (SELECT center + a * interval '23 minutes 1 second' AS at, l AS length FROM generate_series(-14, 14) a, unnest('{20 minutes,1 hour,90 minutes,4 hours,26 hours,3 days}'::interval[]) l
             UNION ALL SELECT center + h * interval '30 minutes', l FROM generate_series(-8, 8) h, unnest('{30 minutes,1 hour,1 day}'::interval[]) l) w
     CROSS JOIN LATERAL (SELECT count(*)::numeric AS pings, count(DISTINCT p.host)::numeric AS hosts, 100.0 * count(*) FILTER (WHERE p.good) / nullif(count(*), 0) AS good_pct
                           FROM ping p WHERE p.at > w.at - w.length AND p.at <= w.at) t
     CROSS JOIN unnest('{pings,hosts,good_pct}'::text[]) m (metric);
    PERFORM kpi.undefine('good_pct');
    PERFORM kpi.untrack('ping');
END $$;
CREATE FUNCTION public.wrong(zone text, center timestamptz, retention interval DEFAULT '400 days') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT d::text FROM public.differences(zone, center, retention) d WHERE round(d.rolling, 9) IS DISTINCT FROM round(d.truth, 9) LIMIT 5 $$;
SELECT is_empty(format('SELECT * FROM public.wrong(%L, %L)', z, c), z || ', ' || what) FROM (VALUES
    ('Europe/Berlin', '2026-10-25 01:00Z', 'an hour comes twice'), ('Europe/Berlin', '2026-03-29 01:00Z', 'an hour is left out'),
    ('Australia/Lord_Howe', '2026-04-04 15:00Z', 'half an hour comes twice'), ('Australia/Lord_Howe', '2026-10-03 15:30Z', 'half an hour is left out'),
    ('Asia/Kathmandu', '2026-06-01 00:00Z', 'hours begin at a quarter')) v (z, c, what);
SELECT is_empty($$SELECT * FROM public.wrong('Europe/Berlin', '2026-10-25 01:00Z', '3 days')$$, 'hours that are not kept are read from the facts');
SELECT * FROM finish();
