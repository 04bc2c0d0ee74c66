-- as: superuser
-- Every public function of schema kpi, called with each kind of wrong value for each of its arguments: whatever it raises names the
-- argument, not our insides. A new function fails this test until it has a good call in t.good; a new argument is tried by itself.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA t;
CREATE TABLE public.pay (at timestamptz NOT NULL, country text, n int, amount numeric, status text DEFAULT 'paid');
CREATE TABLE public.leads (at timestamptz NOT NULL, country text);
CREATE VIEW public.pay_facts AS SELECT at, country, n, amount AS revenue, 1 AS payments FROM public.pay;
CREATE VIEW public.other_facts AS SELECT at, country, amount AS other_revenue FROM public.pay;
CREATE MATERIALIZED VIEW public.mv AS SELECT count(*) FROM public.pay_facts;
CREATE MATERIALIZED VIEW public.mv2 AS SELECT count(*) FROM public.pay_facts;
INSERT INTO public.pay SELECT now() - i * interval '1 day', 'MX', 1, i FROM generate_series(1, 60) i;
SELECT kpi.track('public.pay_facts', 'at', '{country,n}', 'pay', 'UTC', build => 'now') \gset
SELECT kpi.define('average', 'revenue / payments') \gset
SELECT kpi.watch_view('public.mv2') \gset
CREATE TABLE public.visit (at timestamptz, n int, visitor int); CREATE VIEW public.visit_facts AS SELECT at, n, 1 AS visits, visitor FROM public.visit;
INSERT INTO public.visit SELECT now() - i * interval '1 hour', 1, i % 7 FROM generate_series(1, 60) i;
SELECT kpi.track('public.visit_facts', 'at', '{n}', 'visit', 'UTC', build => 'now', aggregates => '{"visitors": {"distinct": "visitor"}}') \gset
CREATE TABLE public.nothing (at timestamptz, x int); CREATE VIEW public.unused AS SELECT at, x AS unused_x FROM public.nothing;
SELECT kpi.track('public.unused', 'at', timezone => 'UTC') \gset
SET client_min_messages = error;
SELECT kpi.add_sink('here', 'webhook', 'http://127.0.0.1:9/'), kpi.add_sink('gate', 'pushgateway', 'http://127.0.0.1:9/') \gset
SELECT kpi.notify('here', '{"text": "one"}') AS waits \gset
SELECT count(*) AS jobs FROM kpi.schedule() \gset
SELECT kpi._observe('trouble', 'data', 'trouble', 'warning', true, '{}', current_user::regrole) AS trouble \gset
SELECT kpi.add_check('fresh', 'freshness', 'pay'), kpi.add_probe('quick', 'SELECT 1') \gset
SELECT kpi.add_rule('Low', 'revenue', 'below', 1) \gset
SELECT id AS made FROM kpi.make_report('daily', '2026-01-31') \gset
SELECT kpi.add_report('ours', 'daily', '{}') \gset
SELECT kpi.add_event('Party', 'promotion', '2026-01-01') AS party \gset

SET kpi.public_url = 'http://kpi.test';
SELECT split_part(kpi.incident_link(:trouble), '=', 2) AS token \gset

-- A call that works, one literal an argument, in order.
CREATE TABLE t.good (name text, args text[], note text);
INSERT INTO t.good (name, args) VALUES
('track', ARRAY[$$'public.other_facts'$$, $$'at'$$, $$'{country}'$$, $$'other'$$, $$'UTC'$$, $$'auto'$$, $$'3 days'$$, $$'60 days'$$, $$'auto'$$, $$'{}'$$]),
('untrack', ARRAY[$$'unused'$$]), ('add_measure', ARRAY[$$'pay'$$, $$'dearest'$$, $$'{"max": "revenue"}'$$]),
('merge', ARRAY[$$'pay'$$]),
('rebuild', ARRAY[$$'pay'$$, $$'2026-01-01'$$, $$'2026-02-01'$$]),
('verify', ARRAY[$$'pay'$$, $$'2026-01-01'$$, $$'2026-02-01'$$]),
('freeze', ARRAY[$$'pay'$$, $$'2020-01-01'$$]),
('define', ARRAY[$$'doubled'$$, $$'revenue * 2'$$, $$'EUR'$$, $$'up'$$, $$'twice'$$]),
('undefine', ARRAY[$$'average'$$]),
('set_unit', ARRAY[$$'revenue'$$, $$'EUR'$$, $$'EUR'$$, '2']),
('set_target', ARRAY[$$'revenue'$$, '1000', $$'2026-01-01'$$, $$'2026-01-31'$$, $$'{"country": "MX"}'$$]),
('query', ARRAY[$$'{revenue}'$$, $$'7d'$$, $$'today'$$, $$'{"country": "MX"}'$$, $$'{n}'$$, $$'day'$$, $$'previous'$$, '1000', $$'value desc'$$, '3', $$'{share}'$$, 'false']),
('query_json', ARRAY[$$'revenue'$$, $$'7d'$$, $$'today'$$, $$'MX'$$, 'NULL', $$'daily'$$, '10', $$'{"n": 1}'$$]),
('rolling', ARRAY[$$'revenue'$$, $$'60 minutes'$$, 'now()', $$'{"country": "MX"}'$$]),
('funnel', ARRAY[$$'{visitors,visitors}'$$, $$'7d'$$, $$'today'$$, $$'2 days'$$, $$'{n}'$$, $$'{"n": 1}'$$, $$'hour'$$, '1000']),
('retention', ARRAY[$$'visitors'$$, $$'7d'$$, $$'today'$$, $$'day'$$, '3', $$'visitors'$$, $$'{n}'$$, $$'{"n": 1}'$$, '1000']),
('recent', ARRAY[$$'pay'$$, '3', $$'{"country": "MX"}'$$]),
('backup_alerts', ARRAY[$$'LowDailyLeads'$$, 'true']),
('summary', ARRAY[$$'{"country": "MX"}'$$]),
('value', ARRAY[$$'revenue'$$, 'now()', $$'{"country": "MX"}'$$, $$'day'$$]),
('refresh', ARRAY[$$'public.mv'$$, 'true', 'true']),
('watch_view', ARRAY[$$'public.mv'$$]),
('unwatch_view', ARRAY[$$'public.mv2'$$]),
('zscore', ARRAY['1.5', '28']), ('robust_z', ARRAY['1.5', '28']), ('ratio_avg', ARRAY['1.5', '7']), ('percentile_band', ARRAY['1.5', '0.01', '0.99', '56']),
('anomaly', ARRAY['1.5', $$timestamptz '2026-01-01' + i * interval '1 day'$$, 'NULL', 'NULL', $$'{"kind": "auto"}'$$]),
('detect', ARRAY[$$'public.pay'$$, $$'at'$$, $$'amount'$$, $$'{country}'$$, $$'n'$$, $$'kpi.event_day'$$, $$'auto'$$, $$'robust'$$, $$'1 day'$$, '3', $$'both'$$, '28', $$'skip'$$, '0.1', '0', $$'2026-01-01'$$]),
('bh', ARRAY[$$'{0.1,0.001}'$$, '0.05']),
('stl', ARRAY[$$'{1,2,1,2,1,2,1,2}'$$, '2', 'true']),
('level_shifts', ARRAY[$$'{2026-01-01,2026-01-02}'$$, $$'{1,2}'$$]),
('add_event', ARRAY[$$'Sale'$$, $$'promotion'$$, $$'2026-01-01'$$, $$'2026-01-02'$$, $$'{"country": "MX"}'$$, $$'widen'$$, 'NULL', 'NULL']),
('drop_event', ARRAY['1']),
('load_holidays', ARRAY[$$'MX'$$, '2026', '2026', $$'{"country": "MX"}'$$, $$'widen'$$]),
('anomalies', ARRAY[$$'revenue'$$, $$'30d'$$, $$'today'$$, $$'{country}'$$, $$'day'$$, $$'robust'$$, '3', $$'both'$$, '28', $$'skip'$$, '0.1', '0', $$'{"n": 1}'$$]),
('forecast', ARRAY[$$'revenue'$$, '14', $$'{country}'$$, '0.9', $$'day'$$, $$'{"n": 1}'$$]),
('explain', ARRAY[$$'revenue'$$, $$'yesterday'$$, $$'{country}'$$, $$'expected'$$, '5', $$'{"n": 1}'$$, $$'day'$$]),
('add_sink', ARRAY[$$'there'$$, $$'webhook'$$, $$'http://127.0.0.1:9/'$$, $$'{}'$$, $$'{}'$$]),
('drop_sink', ARRAY[$$'here'$$]), ('share_sink', ARRAY[$$'here'$$, $$'kpi_admin'$$]), ('unshare_sink', ARRAY[$$'here'$$, $$'kpi_admin'$$]),
('notify', ARRAY[$$'here'$$, $$'{"text": "x"}'::jsonb$$, $$'key'$$, 'now()', $$'group'$$]),
('notify', ARRAY[$$'here'$$, $$'\x01'::bytea$$, $$'text/plain'$$, $$'a.txt'$$, $$'{}'$$, $$'key'$$, 'now()', $$'group'$$]),
('cancel', ARRAY[:'waits']),
('ack', ARRAY[:'trouble']), ('incident_link', ARRAY[:'trouble', $$'snooze 24'$$]), ('read_link', ARRAY[quote_literal(:'token')]), ('follow_link', ARRAY[quote_literal(:'token')]), ('assign', ARRAY[:'trouble', $$'@ana'$$]), ('comment', ARRAY[:'trouble', $$'seen'$$]), ('feedback', ARRAY[:'trouble', $$'true'$$]),
('add_rule', ARRAY[$$'Low'$$, $$'revenue'$$, $$'ratio'$$, '0.7', $$'{country}'$$, $$'{"n": 1}'$$, $$'day'$$, $$'avg7d'$$, $$'15 minutes'$$, $$'0'$$, '1', '10', '5', $$'down'$$, $$'critical'$$,
    $$'{here}'$$, $$'@ana'$$, $$'look'$$, $$'{"team": "x"}'$$, 'true', $$'open'$$, $$'{"hysteresis": 5}'$$]),
('alter_rule', ARRAY[$$'Low'$$, $$'{"threshold": 0.6}'$$]), ('drop_rule', ARRAY[$$'Low'$$]), ('test_rule', ARRAY[$$'Low'$$]), ('runbook', ARRAY[$$'Low'$$]), ('backtest', ARRAY[$$'Low'$$, $$now() - interval '20 days'$$, $$now()$$]),
('keep_history', ARRAY[$$'revenue'$$, $$30$$, $$'{country}'$$, $$'day'$$]),
('restatements', ARRAY[$$'revenue'$$, $$now() - interval '20 days'$$, $$'{country}'$$, $$'day'$$, $$true$$]),
('drop_history', ARRAY[$$'revenue'$$, $$'{country}'$$, $$'day'$$]),
('silence', ARRAY[$$'{"rule": "x"}'$$, $$now() + interval '1 hour'$$, $$'maintenance'$$]), ('drop_silence', ARRAY['1']),
('schedule', ARRAY[$$'kpi_refresh_materialized'$$, $$'0 8 * * *'$$, $$'UTC'$$, $$'1 day'$$, 'true', $$'{here}'$$]), ('unschedule', ARRAY[$$'kpi_refresh_materialized'$$]),
('run_now', ARRAY[$$'kpi_refresh_materialized'$$]), ('next_runs', ARRAY[$$'0 8 * * *'$$, $$'UTC'$$, 'now()', '5']),
('load_environment', ARRAY[$$'dev'$$, $$'leads_critical: 1'$$]), ('drop_environment', ARRAY[$$'dev'$$]), ('threshold_value', ARRAY[$$'leads_critical'$$]),
('add_check', ARRAY[$$'new'$$, $$'null_rate'$$, $$'pay'$$, $$'public.pay'$$, $$'country'$$, $$'{"max_percent": 5}'$$, $$'warning'$$, $$'{here}'$$, $$'1 hour'$$]),
('alter_check', ARRAY[$$'fresh'$$, $$'{"max_age": "1 day"}'$$, $$'info'$$, $$'{here}'$$, $$'1 hour'$$, 'true']), ('drop_check', ARRAY[$$'fresh'$$]),
('add_probe', ARRAY[$$'new'$$, $$'SELECT 1'$$, $$'1 hour'$$, $$'1 s'$$, $$'warning'$$, $$'{here}'$$]),
('alter_probe', ARRAY[$$'quick'$$, $$'SELECT 2'$$, $$'1 hour'$$, $$'1 s'$$, $$'info'$$, $$'{here}'$$, 'true']), ('drop_probe', ARRAY[$$'quick'$$]), ('run_probes', ARRAY[$$'quick'$$]),
('prometheus_text', ARRAY[$$'{revenue}'$$, $$'{country}'$$, '3', $$'revenue'$$]), ('prometheus_rules', ARRAY['NULL']),
('gauges', ARRAY[$$'{revenue}'$$, $$'{country}'$$, '3', $$'revenue'$$]), ('publish', ARRAY[$$'gate'$$, $$'{revenue}'$$, $$'{country}'$$, '3', $$'revenue'$$, $$'1 minute'$$]), ('unpublish', ARRAY[$$'gate'$$]),
('run_checks', ARRAY[$$'fresh'$$]), ('mark_sensitive', ARRAY[$$'public.pay'$$, $$'country'$$, 'true']),
('make_report', ARRAY[$$'daily'$$, $$'2026-01-31'$$, $$'csv'$$, $$'en'$$]), ('report_content', ARRAY[:'made']),
('notify_report', ARRAY[$$'here'$$, :'made', $$'{}'$$, $$'key'$$, 'now()', $$'group'$$]),
('send_report', ARRAY[$$'daily'$$, $$'2026-01-31'$$, $$'{here}'$$, $$'{csv}'$$, $$'en'$$]), ('run_reports', ARRAY[$$'daily'$$]), ('report_day', '{}'),
('add_report', ARRAY[$$'new'$$, $$'daily'$$, $$'{here}'$$, $$'{csv}'$$, $$'en'$$, $$'{"top": 3}'$$, $$'0 7 * * *'$$, $$'UTC'$$]),
('alter_report', ARRAY[$$'ours'$$, $$'{here}'$$, $$'{csv}'$$, $$'en'$$, $$'{"top": 3}'$$, 'true', $$'0 7 * * *'$$, $$'UTC'$$]), ('drop_report', ARRAY[$$'ours'$$]),
('purge', ARRAY[$$'30 days'$$]);
INSERT INTO t.good VALUES
('health_gauges', '{}', 'no argument'), ('status', '{}', 'no argument'), ('wake', '{}', 'no argument'), ('uninstall_sales', '{}', 'no argument'),
('status', '{}', 'no argument'), ('wake', '{}', 'no argument'), ('uninstall_sales', '{}', 'no argument'),
('sinks_from_environment', '{}', 'no argument'), ('config', '{}', 'no argument'), ('schedule', '{}', 'no argument'),
('rotate_link_key', '{}', 'no argument'),
('redeliver', NULL, 'needs a settled message; NULL and unknown ids are below'), ('test_sink', NULL, 'sends; NULL and unknown names are below'),
('install_sales', NULL, 'test/sql/sales.sql'), ('work', NULL, 'a procedure without arguments'), ('run_due', NULL, 'a procedure that commits'), ('capture', NULL, 'a trigger'), ('capture_truncate', NULL, 'a trigger');

CREATE TABLE t.wrong (type text, value text);
INSERT INTO t.wrong VALUES
('text', $$''$$), ('text', $$'no such thing'$$), ('text', $$repeat('x', 200)$$), ('text', $$E'a\nb'$$), ('text', $$'"; DROP'$$), ('text', $$'0'$$), ('text', $$'infinity'$$),
('name', $$''$$), ('name', $$'no such thing'$$), ('name', $$'country'$$), ('regclass', $$'pg_catalog.pg_class'$$), ('regclass', '4000000000::oid::regclass'),
('regrole', '4000000000::oid::regrole'), ('regclass', $$'public.pay'$$), ('regclass', $$'public.pay_facts'$$),
('jsonb', $$'[]'$$), ('jsonb', $$'1'$$), ('jsonb', $$'null'$$), ('jsonb', $$'{"contry": "x"}'$$), ('jsonb', $$'{"n": "abc"}'$$), ('jsonb', $$'{"n": 1.5}'$$),
('jsonb', $$'{"n": {"is": 1}}'$$), ('jsonb', $$'{"n": [[1]]}'$$), ('jsonb', $$'{"n": "99999999999"}'$$),
('integer', '-1'), ('integer', '0'), ('integer', '2147483647'), ('integer', '-2147483648'), ('bigint', '-1'), ('bigint', '9223372036854775807'),
('double precision', '-1'), ('double precision', '0'), ('double precision', '2'), ('double precision', $$'NaN'$$), ('double precision', $$'Infinity'$$), ('double precision', $$'-Infinity'$$),
('interval', $$'-1 day'$$), ('interval', $$'0'$$), ('interval', $$'170000000 years'$$), ('interval', $$'17 minutes'$$),
('timestamp with time zone', $$'infinity'$$), ('timestamp with time zone', $$'-infinity'$$), ('timestamp with time zone', $$'4713-01-02 BC'$$), ('timestamp with time zone', $$'294276-12-30'$$),
('date', $$'infinity'$$), ('date', $$'-infinity'$$), ('date', $$'5874897-12-31'$$), ('date', $$'4713-01-01 BC'$$), ('bytea', $$''$$),
('text[]', $$'{}'$$), ('text[]', $$'{NULL}'$$), ('text[]', $$'{nosuch}'$$), ('text[]', $$'{""}'$$), ('text[]', $$'{revenue,revenue}'$$),
('name[]', $$'{NULL}'$$), ('name[]', $$'{nosuch}'$$), ('name[]', $$'{""}'$$), ('name[]', $$'{country,country}'$$), ('name[]', $$'{{a,b},{c,d}}'$$),
('double precision[]', $$'{}'$$), ('double precision[]', $$'{NULL}'$$), ('double precision[]', $$'{NaN}'$$), ('double precision[]', $$'{-1,2,Infinity}'$$),
('timestamp with time zone[]', $$'{}'$$), ('timestamp with time zone[]', $$'{NULL,NULL}'$$), ('timestamp with time zone[]', $$'{infinity,-infinity}'$$);

-- All calls: the good one with one argument replaced.
CREATE FUNCTION t.calls(call text, args text[], kinds text[]) RETURNS TABLE (place int, value text, statement text) LANGUAGE sql AS $$
    SELECT i, v.value, format(call, array_to_string(args[:i - 1] || v.value || args[i + 1:], ', '))
      FROM generate_subscripts(args, 1) i
     CROSS JOIN LATERAL (SELECT 'NULL' AS value UNION ALL SELECT w.value FROM t.wrong w WHERE w.type = kinds[i]) v
     UNION ALL SELECT 0, 'good', format(call, array_to_string(args, ', ')) $$;
CREATE TABLE t.call AS
SELECT g.name, c.place, p.proargnames[c.place] AS argument, c.value, c.statement
  FROM t.good g
  JOIN pg_proc p ON p.pronamespace = 'kpi'::regnamespace AND p.proname = g.name AND p.pronargs = cardinality(g.args)
 CROSS JOIN LATERAL (SELECT array_agg(format_type(x, NULL) ORDER BY i) AS kinds FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a(x, i)) k
 CROSS JOIN LATERAL t.calls(CASE WHEN p.prokind = 'w' THEN format('SELECT kpi.%I(%%s) OVER (ORDER BY i) FROM generate_series(1, 40) i', g.name)
                                 ELSE format('SELECT * FROM kpi.%I(%%s)', g.name) END, g.args, k.kinds) c
 WHERE cardinality(g.args) > 0;
INSERT INTO t.call VALUES ('redeliver', 1, 'id', 'NULL', 'SELECT kpi.redeliver(NULL)'), ('redeliver', 1, 'id', '-1', 'SELECT kpi.redeliver(-1)'),
    ('test_sink', 1, 'name', 'NULL', 'SELECT kpi.test_sink(NULL)'), ('test_sink', 1, 'name', 'unknown', $$SELECT kpi.test_sink('no such thing')$$);

-- What a call raises; nothing that it did stays.
CREATE TABLE t.outcome (name text, argument text, value text, statement text, state text, message text, detail text, hint text, context text, "constraint" text);
CREATE PROCEDURE t.try(c t.call) LANGUAGE plpgsql AS $$
DECLARE o t.outcome; own text := 'PL/pgSQL function t.try\(t.call\) line \d+ at EXECUTE';
BEGIN
    o.name := c.name; o.argument := c.argument; o.value := c.value; o.statement := c.statement;
    BEGIN
        EXECUTE c.statement;
        RAISE EXCEPTION 'undo' USING ERRCODE = 'UNDO0';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS o.state = RETURNED_SQLSTATE, o.message = MESSAGE_TEXT, o.detail = PG_EXCEPTION_DETAIL, o.hint = PG_EXCEPTION_HINT,
            o.context = PG_EXCEPTION_CONTEXT, o."constraint" = CONSTRAINT_NAME;
        -- of the context, the two lines that this procedure stands for
        o.context := regexp_replace(replace(o.context, 'SQL statement "' || c.statement || '"' || E'\n', ''), own || E'(\n.*)?$', '');
    END;
    INSERT INTO t.outcome SELECT o.*;
END $$;
DO $$
DECLARE c t.call;
BEGIN
    FOR c IN SELECT * FROM t.call ORDER BY name, place, value LOOP
        CALL t.try(c);
    END LOOP;
END $$;
DELETE FROM t.outcome WHERE state = 'UNDO0' AND value <> 'good';

SELECT plan(16);
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'kpi'::regnamespace AND p.proname !~ '^_'
    AND NOT EXISTS (SELECT FROM t.good g WHERE g.name = p.proname AND (g.args IS NULL OR cardinality(g.args) = p.pronargs))$$,
    'every public function has its good call in t.good');
SELECT is_empty($$SELECT name, state, message FROM t.outcome WHERE value = 'good' AND state <> 'UNDO0'$$, 'the good calls work');
DELETE FROM t.outcome WHERE value = 'good';
SELECT cmp_ok((SELECT count(*) FROM t.outcome), '>', 400::bigint, 'hundreds of calls were refused');
SELECT is_empty($$SELECT statement, state, message FROM t.outcome WHERE state ~ '^(XX|P0|23|58|26|34|3D|25)' OR state IN ('42P18', '0A000') OR (state = '22000' AND hint = '')$$,
    'no internal errors, no constraints, no catch-all states');
SELECT is_empty($$SELECT statement, "constraint" FROM t.outcome WHERE "constraint" <> ''$$, 'no constraint is named');
SELECT is_empty($$SELECT statement, message, detail, hint FROM t.outcome WHERE concat(message, detail, hint) ~ 'kpi\._|kpi_data|\m[dm][0-9]+\M|_check"|_key"|_pkey"|\$[0-9]'$$,
    'no internal names');
SELECT is_empty($$SELECT statement, context FROM t.outcome WHERE context <> ''$$, 'no context: our own SQL is nobody''s business');
SELECT is_empty($$SELECT statement, message FROM t.outcome WHERE length(message) > 330 OR length(hint) > 400$$, 'messages and hints are short');
SELECT is_empty($$SELECT statement, message FROM t.outcome WHERE message ~ '(null|NULL)' AND state <> '22004' AND value = 'NULL'$$, 'NULL where it must not be is 22004');
SELECT is_empty($$SELECT statement, message FROM t.outcome WHERE value = 'NULL' AND state = '22004' AND position(argument IN message) = 0$$, 'and names its argument');
-- What has no hint must say by itself what would be right.
SELECT is_empty($$SELECT statement, state, message FROM t.outcome WHERE hint = '' AND detail = '' AND state NOT IN ('22004', '42601')
    AND message !~ 'must|cannot|at most|at least|between|out of range|not permitted|earlier|from \d|does not exist|exceed|twice|needs a '$$, 'a hint where the mend is not obvious');

-- Accepted in silence is worse than refused.
SELECT is_empty($$SELECT * FROM (VALUES
    ('track', 'hour_retention', $x$'-1 day'$x$, '22023'), ('track', 'hour_retention', $x$'0'$x$, '22023'), ('track', 'hour_retention', $x$'170000000 years'$x$, '22023'),
    ('track', 'lookback', $x$'-1 day'$x$, '22023'), ('untrack', 'source', 'NULL', '22004'), ('untrack', 'source', $x$'no such thing'$x$, '42704'),
    ('value', 'at', $x$'infinity'$x$, '22023'), ('add_event', 'kind', $x$'no such thing'$x$, '22023'), ('add_event', 'effect', $x$'no such thing'$x$, '22023'),
    ('add_event', 'scope', $x$'[]'$x$, '22023'), ('add_event', 'name', $x$''$x$, '22023'), ('add_event', 'start_on', $x$'infinity'$x$, '22023'), ('add_event', 'end_on', $x$'4713-01-01 BC'$x$, '22023'),
    ('add_event', 'start_at', $x$'infinity'$x$, '22023'), ('add_event', 'end_at', $x$'infinity'$x$, '22023'),
    ('load_holidays', 'effect', $x$'no such thing'$x$, '22023'), ('load_holidays', 'from_year', '2147483647', '22023'), ('load_holidays', 'country', $x$'no such thing'$x$, '22023'),
    ('detect', 'value', $x$'no such thing'$x$, '42703'), ('detect', 'value', $x$'country'$x$, '42804'), ('detect', 'at', $x$'country'$x$, '42804'), ('detect', 'by', $x$'{nosuch}'$x$, '42703'),
    ('detect', 'denominator', $x$'country'$x$, '42804'), ('unwatch_view', 'view', $x$'public.pay'$x$, '42704'), ('watch_view', 'view', $x$'public.pay'$x$, '42809'),
    ('purge', 'older_than', $x$'-1 day'$x$, '22023'), ('purge', 'older_than', 'NULL', '22004'), ('cancel', 'id', 'NULL', '22004'), ('redeliver', 'id', 'NULL', '22004'),
    ('drop_sink', 'name', 'NULL', '22004'), ('test_sink', 'name', 'NULL', '22004'),
    ('query', 'filters', $x$'{"contry": "x"}'$x$, '22023'), ('query', 'filters', $x$'{"n": "abc"}'$x$, '22P02'), ('query', 'filters', $x$'{"n": 1.5}'$x$, '22P02'),
    ('query', 'filters', $x$'{"n": {"is": 1}}'$x$, '22023'), ('query', 'filters', $x$'[]'$x$, '22023')) w (name, argument, value, state)
    WHERE state IS DISTINCT FROM (SELECT o.state FROM t.outcome o WHERE (o.name, o.argument, o.value) = (w.name, w.argument, w.value))$$, 'wrong values that were once accepted, or refused without a word');
-- Pairs that are wrong together.
SELECT throws_ok($$SELECT kpi.rebuild('pay', '2026-02-01', '2026-01-01')$$, '22023', 'start_at is later than end_at', 'rebuild of a reversed period');
SELECT throws_ok($$SELECT kpi.verify('pay', 'infinity', '-infinity')$$, '22023', 'start_at is later than end_at', 'verify of a reversed period');
SELECT throws_ok($$SELECT kpi.add_event('x', 'holiday', '2026-01-02', '2026-01-01')$$, '22023', 'end_on is earlier than start_on', 'an event that ends before it begins');
SELECT throws_ok($$SELECT kpi.load_holidays('MX', 2026, 2025)$$, '22023', 'to_year 2025 is earlier than from_year 2026', 'holidays of a reversed range');
SELECT finish();
