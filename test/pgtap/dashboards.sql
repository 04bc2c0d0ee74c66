-- as: superuser
-- What dashboards and kpi_web read: the rolling hour, recent rows, states and histories without contents, backup alerts.
SELECT no_plan();
\set here `pwd`
\ir ../tools/raised.sql
GRANT USAGE ON SCHEMA t TO PUBLIC;
SET timezone = 'UTC';
CREATE ROLE dash_reader LOGIN; GRANT kpi_reader TO dash_reader;
CREATE ROLE dash_stranger LOGIN;
CREATE TABLE payments (created_at timestamptz NOT NULL, country text, source text, status text DEFAULT 'paid', amount numeric);
CREATE TABLE leads (created_at timestamptz NOT NULL, country text, source text, priority text);
INSERT INTO payments SELECT now() - n * interval '1 minute', CASE WHEN n % 2 = 0 THEN 'MX' ELSE 'Côte d''Ivoire' END, 'ads', 'paid', n FROM generate_series(1, 30000) n;
INSERT INTO leads SELECT now() - n * interval '5 minutes', 'MX', 'ads', 'high' FROM generate_series(1, 3000) n;
CREATE INDEX ON payments (created_at);
ANALYZE payments;
SELECT count(*) FROM kpi.install_sales(timezone => 'UTC') \gset
CALL kpi.work();

-- The rolling hour
SELECT is(kpi.rolling('revenue'), (SELECT sum(amount) FROM payments WHERE created_at > now() - interval '1 hour'), 'the last 60 minutes, to the row');
SELECT is(kpi.rolling('revenue', l), (SELECT sum(amount) FROM payments WHERE created_at > now() - l), 'the last ' || l)
  FROM unnest('{2 minutes,59 minutes,61 minutes,2 hours,26 hours 11 minutes,9 days}'::interval[]) l;
SELECT is(kpi.rolling('revenue', '1 hour', date_trunc('hour', now())), (SELECT sum(amount) FROM payments WHERE created_at > date_trunc('hour', now()) - interval '1 hour' AND created_at <= date_trunc('hour', now())), 'a whole hour of before');
SELECT is(kpi.rolling('revenue', '90 minutes', now() - interval '2 days'), (SELECT sum(amount) FROM payments WHERE created_at > now() - interval '2 days 90 minutes' AND created_at <= now() - interval '2 days'), 'any time of before');
SELECT is(kpi.rolling('revenue', segment => '{"country": ["MX"], "source": ["ads"]}'), (SELECT sum(amount) FROM payments WHERE country = 'MX' AND created_at > now() - interval '1 hour'), 'of a segment');
SELECT is(kpi.rolling('conversion_pct', '2 hours'), 100.0 * (SELECT count(*) FROM payments WHERE created_at > now() - interval '2 hours') / (SELECT count(*) FROM leads WHERE created_at > now() - interval '2 hours'), 'of a formula over two sources');
SELECT is(kpi.rolling('revenue', segment => '{"country": "XX"}'), 0::numeric, 'nothing is 0');
SELECT is(kpi.rolling('payments_success_rate', segment => '{"country": "XX"}'), NULL, 'and a rate of nothing is NULL');
INSERT INTO payments VALUES (clock_timestamp(), 'MX', 'ads', 'paid', 1000000);
SELECT ok(kpi.rolling('revenue') > 1000000, 'what was written a moment ago counts');
SELECT is(t.raised($$SELECT kpi.rolling('revenue', '0')$$), '22023 the length must be positive and at most 366 days |  | For example ''60 minutes'' or ''24 hours''.', 'no length');
SELECT alike(t.raised($$SELECT kpi.rolling('revenue', '1 month')$$), '22023 argument "length" must not count in months%', 'a month is not a length');
-- Its minutes are read through the index, whatever the table holds.
BEGIN;
SELECT coalesce(sum(seq_scan), 0) AS scans, coalesce(sum(idx_tup_fetch), 0) AS rows FROM pg_stat_xact_user_tables WHERE relname = 'payments' \gset
SELECT kpi.rolling('revenue') \gset
SELECT ok(sum(seq_scan) = :scans AND sum(idx_tup_fetch) - :rows BETWEEN 1 AND 62, 'the hour costs the rows of an hour, by the time index') FROM pg_stat_xact_user_tables WHERE relname = 'payments';

-- Recent rows
SELECT coalesce(sum(seq_scan), 0) AS scans, coalesce(sum(idx_tup_fetch), 0) AS rows FROM pg_stat_xact_user_tables WHERE relname = 'payments' \gset
SELECT count(*) AS seen FROM kpi.recent('payments', 20) \gset
SELECT ok(:seen = 20 AND sum(seq_scan) = :scans AND sum(idx_tup_fetch) - :rows <= 21, 'twenty rows cost twenty rows') FROM pg_stat_xact_user_tables WHERE relname = 'payments';
SELECT count(*) AS seen FROM kpi.recent('payments', 20, '{"country": "XX"}') \gset
SELECT ok(:seen = 0 AND sum(seq_scan) = :scans AND sum(idx_tup_fetch) - :rows <= 2025, 'looking for what is not there ends after 2000') FROM pg_stat_xact_user_tables WHERE relname = 'payments';
COMMIT;
INSERT INTO payments VALUES (now() + interval '1 day', 'MX', 'future', 'paid', 1), ('infinity', 'MX', 'future', 'paid', 1);
SELECT results_eq($$SELECT r.segment ->> 'source', (r.measures ->> 'revenue')::numeric FROM kpi.recent('payments', 2) r$$, $$VALUES ('ads', 1000000.0), ('ads', 1.0)$$, 'newest first, nothing of tomorrow');
SELECT is((SELECT count(DISTINCT segment ->> 'country') FROM kpi.recent('public.payment_facts', 9, '{"country": "Côte d''Ivoire"}')), 1::bigint, 'filtered, by the name of the view, with a quote in a value');
SELECT is((SELECT segment ->> 'priority' FROM kpi.recent('leads', 1)), 'high', 'every dimension');
SELECT alike(t.raised($$SELECT kpi.recent('paiments', 1)$$), '42704 %', 'no such source');
SELECT alike(t.raised($$SELECT kpi.recent('payments', 1001)$$), '22023 n must be between 1 and 1000%', 'a list is no table');
SELECT alike(t.raised($$SELECT kpi.recent('payments', 1, '{"planet": 1}')$$), '22023 source "payments" has no dimension "planet"%', 'a filter on nothing');
DELETE FROM payments WHERE source = 'future' OR amount = 1000000;

-- Window capture knows no minutes: its hours are shared out by the clock. And zones whose hours begin at the half.
CREATE TABLE even (at timestamptz, n int); INSERT INTO even SELECT date_trunc('hour', now()) - i * interval '1 minute', 1 FROM generate_series(-59, 6000) i WHERE date_trunc('hour', now()) - i * interval '1 minute' <= now();
CREATE VIEW even_window AS SELECT at, n AS even_w FROM even;
CREATE VIEW even_half AS SELECT at, n AS even_h FROM even;
SELECT kpi.track('even_window', 'at', timezone => 'UTC', capture => 'window', build => 'now'), kpi.track('even_half', 'at', timezone => 'Asia/Kolkata') \gset
SELECT kpi.rolling('even_h', '3 hours') AS dirty \gset
CALL kpi.work();
SELECT ok(abs(kpi.rolling('even_w', '3 hours') - 180) <= 3, 'with window capture about three hours: ' || kpi.rolling('even_w', '3 hours'));
SELECT ok(:dirty BETWEEN 179 AND 181 AND kpi.rolling('even_h', l) = (SELECT count(*) FROM even WHERE at > now() - l), 'a zone of half hours, built and while it is built: ' || l) FROM unnest('{20 minutes,40 minutes,3 hours,25 hours}'::interval[]) l;

-- A source whose time is a date or a local time
CREATE TABLE local (at timestamp, n int); INSERT INTO local SELECT timestamp '2026-01-01' + i * interval '1 hour', i FROM generate_series(1, 5) i;
CREATE VIEW local_facts AS SELECT at, n AS local_n FROM local;
SELECT kpi.track('local_facts', 'at', name => 'local', timezone => 'America/Mexico_City') \gset
SELECT is((SELECT at FROM kpi.recent('local', 1)), '2026-01-01 05:00-06'::timestamptz, 'local times are those of the source''s zone');

-- The measure of missing amounts
UPDATE payments SET amount = NULL WHERE created_at > now() - interval '30 minutes';
SELECT is(round(kpi.rolling('revenue_null_pct'), 1), (SELECT round(100.0 * count(*) FILTER (WHERE amount IS NULL) / count(*), 1) FROM payments WHERE created_at > now() - interval '1 hour'), 'the share of successful payments without an amount');

-- States, for a reader of health
SET ROLE dash_stranger;
SELECT alike(t.raised('SELECT FROM kpi.view_state'), '42501 %', 'states are not for everybody');
SELECT alike(t.raised('SELECT kpi.rolling($$revenue$$)'), '42501 %', 'nor are numbers');
SELECT alike(t.raised('SELECT kpi.recent($$payments$$)'), '42501 %', 'nor rows');
SELECT alike(t.raised('SELECT kpi.backup_alerts()'), '42501 %', 'nor alarms');
RESET ROLE; SET ROLE dash_reader;
SELECT results_eq('SELECT view::text, state, days_behind FROM kpi.view_state WHERE rows > 0 ORDER BY 1', $$VALUES ('mv_kpi_daily', 'ready', 0), ('mv_kpi_daily_segment', 'ready', 0), ('mv_kpi_timeseries_90d', 'ready', 0)$$, 'kpi_reader sees the states of views');
SELECT alike(t.raised('SELECT rows FROM kpi.view'), '42501 %', 'not what they are made of');
SELECT alike(t.raised('SELECT kpi.recent($$payments$$)'), '42501 %', 'a reader of health reads no rows');
RESET ROLE;
CREATE FUNCTION t.plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || statement; END $$;
SELECT is_empty($$SELECT p FROM t.plan('SELECT max(days_behind) FROM kpi.view_state') p WHERE p ~ 'Seq Scan on pg_class'$$, 'the states of a few views do not cost all of pg_class');
SELECT is((SELECT rows FROM kpi.view_state WHERE view = 'mv_kpi_daily'::regclass), (SELECT count(*) FROM mv_kpi_daily), 'rows are counted at the refresh');
CREATE MATERIALIZED VIEW young AS SELECT day FROM kpi.query('{leads}') WITH NO DATA;
SELECT kpi.watch_view('young') \gset
SELECT is((SELECT row(state, rows, days_behind)::text FROM kpi.view_state WHERE view = 'young'::regclass), '(building,,)', 'a view made WITH NO DATA is building');
DROP MATERIALIZED VIEW young;
UPDATE kpi.view SET max_day = max_day - 3, last_error_at = clock_timestamp() WHERE view = 'mv_kpi_daily'::regclass;
SELECT is((SELECT row(state, days_behind)::text FROM kpi.view_state WHERE view = 'mv_kpi_daily'::regclass), '(failing,3)', 'one that is behind, and fails');

SELECT count(*) AS probes FROM kpi.run_probes() \gset
SET ROLE dash_reader;
SELECT is((SELECT count(DISTINCT name) FROM kpi.probe_history WHERE at > now() - interval '1 day' AND milliseconds >= 0), 4::bigint, 'the history of probes');
RESET ROLE;
SELECT kpi._observe('rule LowX', 'rule', 'Revenue is 12 in MX', 'critical', true, '{}', current_user::regrole) \gset
UPDATE kpi.incident SET labels = labels || '{"metric": "revenue"}', rule = 'LowX' WHERE fingerprint = 'rule LowX';
SET ROLE dash_reader;
SELECT is((SELECT row(severity, rule, title)::text FROM kpi.incident_history WHERE rule = 'LowX'), '(critical,LowX,)', 'kpi_reader sees that there is an incident, not its numbers');
RESET ROLE;
GRANT SELECT ON payment_facts, lead_facts, local_facts, even_window, even_half TO dash_reader;
SET ROLE dash_reader;
SELECT is((SELECT title FROM kpi.incident_history WHERE rule = 'LowX'), 'Revenue is 12 in MX', 'with the right to read all facts the title too');
SELECT ok((SELECT count(*) = 1 FROM kpi.recent('payments', 1)), 'and rows');

-- Backup alerts
SELECT is((SELECT count(*) FROM kpi.backup_alerts('LowRevenueBySegment')), 2::bigint, 'a row for each active segment');
SELECT throws_ok($$SELECT * FROM kpi.backup_alerts('LowRevenu')$$, '42704', 'there is no backup alert "LowRevenu"', 'a name that is none never stays silent');
SELECT ok((SELECT bool_and(active) FROM kpi.backup_alerts()), 'without a worker they are active');
RESET ROLE;
SELECT kpi.load_environment('dev', 'backup_after_minutes: 1440') \gset
TRUNCATE payments; TRUNCATE leads;
INSERT INTO payments SELECT d + m * interval '1 minute', c, 'ads', 'paid', 1 FROM generate_series(current_date - 60, current_date, interval '1 day') d, generate_series(0, 1439) m, unnest('{MX,Côte d''Ivoire}'::text[]) c
 WHERE d + m * interval '1 minute' <= now() AND NOT (c = 'MX' AND d = current_date);
CALL kpi.work();
SELECT results_eq($$SELECT name, country, firing, value < bound FROM kpi.backup_alerts('LowRevenueBySegment')$$,
                  $$SELECT 'LowRevenueBySegment', c, c = 'MX' AND now() >= current_date + interval '5 hours 59 minutes', c = 'MX' FROM unnest('{Côte d''Ivoire,MX}'::text[]) c$$,
                  'a segment that is gone today fires, once a quarter of the day is there');
SELECT results_eq('SELECT name FROM kpi.backup_alerts() GROUP BY 1 ORDER BY 1', $$VALUES ('LowPaymentSuccessRate'), ('LowRevenueBySegment'), ('LowRevenueVsAvg7d'), ('LowDailyLeads') ORDER BY 1$$, 'of each alarm the active segments');
SELECT * FROM finish();
