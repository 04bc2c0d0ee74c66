-- as: superuser
-- Today's numbers as gauges, and their way into the outbox: by an owner who is no superuser, with kpi.work() as the steward.
\ir ../tools/roles.sql
SELECT t.fresh_roles('{g_owner,g_other}') \gset
GRANT kpi_admin TO g_owner, g_other;
GRANT CREATE, USAGE ON SCHEMA public TO g_owner, g_other;
SELECT set_config('kpi.allowed_hosts', 'gateway.example', false) \gset
SET ROLE g_owner;
CREATE TABLE public.sale (at timestamptz, country text, amount numeric, ok boolean);
CREATE VIEW public.sale_facts AS SELECT at, country, 1 AS sales, amount AS takings, ok::int AS good FROM public.sale;
SELECT kpi.track('public.sale_facts', 'at', '{country}', 'sale', 'UTC') \gset
SELECT kpi.define('good_pct', '100.0 * good / sales', '%') \gset
-- Twelve countries, of which one has sold nothing today; a day's rows are 10 x its rank.
INSERT INTO public.sale SELECT date_trunc('day', now(), 'UTC') - d * interval '1 day', 'c' || lpad(c::text, 2, '0'), 2.5, n % 4 <> 0
  FROM generate_series(0, 9) d, generate_series(1, 12) c, generate_series(1, c * 10) n WHERE d > 0 OR c <> 12;
INSERT INTO public.sale VALUES (date_trunc('day', now(), 'UTC'), NULL, 100000, true);
SELECT kpi.rebuild('sale') \gset
CREATE VIEW public.now AS SELECT * FROM kpi.gauges('{takings,sales,good_pct}', '{country}', 10);
GRANT SELECT ON public.now TO g_owner;
SELECT plan(65);

SELECT is((SELECT value FROM public.now WHERE gauge = 'kpi_takings_today'), (SELECT sum(amount) FROM public.sale WHERE at >= date_trunc('day', now(), 'UTC')), 'today, as the table has it');
SELECT is((SELECT value FROM public.now WHERE gauge = 'kpi_takings_avg7d'), (SELECT round(sum(amount) / 7, 6) FROM public.sale WHERE at >= date_trunc('day', now(), 'UTC') - interval '7 days' AND at < date_trunc('day', now(), 'UTC')), 'a day of the last seven');
SELECT is((SELECT round(value, 6) FROM public.now WHERE gauge = 'kpi_good_pct'), (SELECT round(100.0 * count(*) FILTER (WHERE ok) / count(*), 6) FROM public.sale WHERE at >= date_trunc('day', now(), 'UTC')), 'a rate is one of sums');
SELECT is_empty($$SELECT gauge FROM public.now WHERE gauge IN ('kpi_good_pct_today', 'kpi_good_pct_pace')$$, 'and has neither a day nor a pace');
SELECT is((SELECT count(*) FROM public.now WHERE gauge = 'kpi_takings_by_segment'), 10::bigint, 'ten segments');
SELECT is((SELECT value FROM public.now WHERE gauge = 'kpi_takings_by_segment' AND labels = '{"country": "c12"}'), 0::numeric, 'the leader that collapsed stays, with 0');
SELECT is((SELECT value FROM public.now WHERE gauge = 'kpi_takings_avg7d_by_segment' AND labels = '{"country": "c12"}'), 300::numeric, 'beside what it used to have');
SELECT is((SELECT count(*) FROM public.now WHERE labels = '{"country": null}' AND gauge = 'kpi_sales_by_segment'), 1::bigint, 'a segment without a name too');
SELECT is_empty($$SELECT gauge, labels FROM public.now GROUP BY 1, 2 HAVING count(*) > 1$$, 'no series twice');
SELECT ok((SELECT value <= extract(epoch FROM now()) AND value > extract(epoch FROM now()) - 86401 FROM public.now WHERE gauge = 'kpi_last_closed_day_timestamp_seconds'), 'the last closed day');
SELECT is_empty($$SELECT gauge FROM kpi.gauges('{takings}') WHERE gauge LIKE '%segment'$$, 'without dimensions no segments');

SELECT is((SELECT value FROM public.now WHERE gauge = 'kpi_takings_last_day'), (SELECT sum(amount) FROM public.sale WHERE at >= date_trunc('day', now(), 'UTC') - interval '1 day' AND at < date_trunc('day', now(), 'UTC')), 'the last complete day');

-- The same as text. An empty name is another segment than none, and stays one.
CREATE FUNCTION public.lines(text, pattern text) RETURNS SETOF text LANGUAGE sql AS $$ SELECT l FROM regexp_split_to_table($1, E'\n') l WHERE l ~ pattern $$;
SELECT results_eq($$SELECT * FROM public.lines(kpi.prometheus_text('{takings}'), '^(# (HELP|TYPE) )?kpi_takings_last_day')$$,
    format($$VALUES ('# HELP kpi_takings_last_day takings of the last complete day'), ('# TYPE kpi_takings_last_day gauge'), ('kpi_takings_last_day{database="%s"} 1950')$$, current_database()),
    'a family with its help, type and sample');
BEGIN;
SET LOCAL ROLE g_owner;
INSERT INTO public.sale VALUES (now(), '', 9e9, true), (now(), E'a"b\\c\nd', 8e9, true), (now(), 'NaN', 'NaN', true), (now(), 'inf', 'Infinity', true);
SELECT is((SELECT count(*) FROM public.lines(kpi.prometheus_text('{takings}', '{country}', 20), '^kpi_takings_by_segment\{(country="\(blank\)",)?database="[^"]+"\} ')), 2::bigint, 'without a name, and with an empty one');
SELECT is((SELECT count(*) FROM public.lines(kpi.prometheus_text('{takings}', '{country}', 20), '^kpi_takings_by_segment\{country="a\\"b\\\\c\\nd",database=".*"\} 8000000000$')), 1::bigint, 'quotes, backslashes and lines are escaped');
SELECT is((SELECT array_agg(substring(l, '\S+$') ORDER BY l) FROM public.lines(kpi.prometheus_text('{takings}', '{country}', 20), '^kpi_takings_by_segment\{country="(NaN|inf)"') l), '{NaN,+Inf}', 'NaN and infinities as Prometheus writes them');
ROLLBACK;
SET ROLE g_owner;
CREATE VIEW public.odd_facts AS SELECT at, country AS job, country AS "Größe 2", 1 AS odd FROM public.sale;
SELECT kpi.track('public.odd_facts', 'at', '{job,"Größe 2"}', 'odd', 'UTC') \gset
SELECT is((SELECT count(*) FROM public.lines(kpi.prometheus_text('{odd}', '{job,"Größe 2"}', 1), '^kpi_odd_by_segment\{Gr__e_2="c11",database="[^"]+",exported_job="c11"\} ')), 1::bigint, 'dimensions become labels that Prometheus takes');
SELECT kpi.untrack('odd') \gset
RESET ROLE;
SELECT throws_ok($$SELECT kpi.prometheus_text('{takings}', top => 0)$$, '22023', 'argument "top" must be at least 1', 'no segments');
SELECT throws_ok($$SELECT kpi.prometheus_text('{taking}')$$, '42704', NULL, 'an unknown metric');
SELECT throws_ok($$SELECT kpi.prometheus_text('{takings}', '{planet}')$$, '22023', NULL, 'an unknown dimension');
SELECT throws_ok($$SELECT kpi.prometheus_text(by => '{planet}')$$, '22023', 'no metric has all the dimensions that are asked for', 'of all metrics too');
SELECT throws_ok($$SELECT kpi.prometheus_text(by => '{country}', rank_by => 'taking')$$, '42704', NULL, 'and an unknown rank');

-- One metric that breaks takes nothing with it.
BEGIN;
SET LOCAL ROLE g_owner;
CREATE VIEW public.visit_facts AS SELECT at, 1 AS visits FROM public.sale;
SELECT kpi.track('public.visit_facts', 'at', '{}', 'visit', 'UTC') \gset
SELECT is((SELECT array_agg(DISTINCT substring(l, '^\w+')) FROM public.lines(kpi.prometheus_text(by => '{country}', rank_by => 'takings'), '^kpi_(visits|takings)_(today|by_segment)') l),
    '{kpi_takings_by_segment,kpi_takings_today,kpi_visits_today}', 'of all metrics, one without the dimension has no segments');
SELECT is((SELECT count(*) FROM public.lines(kpi.prometheus_text(by => '{country}'), '^kpi_day_elapsed_ratio')), 1::bigint, 'and no clock is there twice');
-- Days of two zones are not the same days: kpi.define would have refused it.
SELECT kpi.define('breaks', 'takings / visits') \gset
RESET ROLE;
UPDATE kpi.source SET timezone = 'Asia/Kolkata' WHERE name = 'visit';
SET LOCAL ROLE g_owner;
SELECT throws_ok($$SELECT gauge FROM kpi.gauges('{takings,breaks}')$$, '55000', NULL, 'as rows the error is one');
SELECT is((SELECT array_agg(split_part(l, ' ', 1) ORDER BY l COLLATE "C") FROM public.lines(kpi.prometheus_text(m), '^kpi_(metric_unreadable|breaks_today|takings_today|source_ok\{.*"sale")') l),
    ARRAY(SELECT replace(l, 'DB', current_database()) FROM unnest('{"kpi_metric_unreadable{database=\"DB\",metric=\"breaks\",sqlstate=\"55000\"}","kpi_source_ok{database=\"DB\",source=\"sale\"}","kpi_takings_today{database=\"DB\"}"}'::text[]) l), 'as text it is left out and named: ' || coalesce(m::text, 'all'))
  FROM (VALUES (NULL::text[]), ('{breaks,takings}'), ('{takings,breaks}')) v (m);
SELECT is((SELECT count(*) FROM public.lines(kpi.prometheus_text('{breaks}'), '^kpi_(metric_unreadable|source_ok)')), 3::bigint, 'with no other metric too: the health is there');
CREATE FUNCTION public.bursts(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF current_setting('test.burst', true) = 'on' THEN RAISE 'burst'; END IF; RETURN $1; END $$;
SELECT kpi.define('bursts', 'public.bursts(takings)'), set_config('test.burst', 'on', true) \gset
SELECT is((SELECT array_agg(substring(l, 'metric="(\w+)"') ORDER BY l COLLATE "C") FROM public.lines(kpi.prometheus_text(by => '{country}'), '^kpi_metric_unreadable\{') l),
    '{breaks,bursts}', 'all that cannot be read are named, with the dimensions and without');
SELECT throws_ok($$SELECT kpi.prometheus_text('{takings}', '{country}', rank_by => 'visits')$$, '22023', NULL, 'a rank without the dimension is a wrong argument');
ROLLBACK;

-- What ails it.
CREATE FUNCTION public.health(gauge text, labels jsonb DEFAULT '{}') RETURNS numeric LANGUAGE sql AS $$
    SELECT h.value FROM kpi.health_gauges() h WHERE h.gauge = health.gauge AND h.labels = health.labels $$;
BEGIN;
SELECT is((public.health('kpi_source_ok', '{"source": "sale"}'), public.health('kpi_capture_error_rows', '{"source": "sale"}')), (1::numeric, 0::numeric), 'a source that does well');
UPDATE kpi.source_state SET last_error = '22012 division by zero' WHERE source = 'sale';
INSERT INTO kpi.capture_error (source, sqlstate, message, rows) VALUES ('sale', '22012', 'division by zero', 3), ('sale', '22003', 'out of range', 4);
SELECT is((public.health('kpi_source_ok', '{"source": "sale"}'), public.health('kpi_capture_error_rows', '{"source": "sale"}')), (0::numeric, 7::numeric), 'set aside, with rows that count nowhere');
SELECT kpi._observe('one', 'data', 'one', 'critical', true, '{}', 'g_owner'), kpi._observe('two', 'probe', 'two', 'critical', true, '{}', 'g_owner') AS two,
       kpi._observe('three', 'data', 'three', 'warning', true, '{}', 'g_other') \gset
SELECT kpi.ack(:two) \gset
SELECT is(array_agg(value ORDER BY labels ->> 'severity', labels ->> 'state'), '{1,1,0,0,0,1}', 'incidents by severity and state, 0 where there is none')
  FROM kpi.health_gauges() WHERE gauge = 'kpi_open_incidents';
SET LOCAL ROLE g_other;
SELECT is(sum(value), 1::numeric, 'one''s own') FROM kpi.health_gauges() WHERE gauge = 'kpi_open_incidents';
RESET ROLE;
SELECT kpi.add_sink('lost', 'webhook', 'https://gateway.example/lost') \gset
SELECT kpi.notify('lost', '{"text": "one"}') AS one, kpi.notify('lost', '{"text": "two"}') AS two \gset
UPDATE kpi.outbox SET state = 'dead', settled_at = now() WHERE id = :one;
UPDATE kpi.outbox SET created_at = now() - interval '2 hours' WHERE id = :two;
SELECT is((public.health('kpi_outbox_dead', '{"sink": "lost"}'), public.health('kpi_outbox_pending', '{"sink": "lost"}')), (1::numeric, 1::numeric), 'a dead letter and one that waits');
SELECT ok(public.health('kpi_outbox_oldest_age_seconds', '{"sink": "lost"}') BETWEEN 7200 AND 7300, 'for two hours');
SELECT is((public.health('kpi_jobs_overdue'), public.health('kpi_worker_up')), (0::numeric, NULL::numeric), 'no job is overdue, and no worker is missed where the server does not preload it');
ROLLBACK;

-- Who sees what: metrics by the right on the facts view, health by kpi_reader.
DO $$ BEGIN
    IF to_regrole('g_reader') IS NOT NULL THEN DROP OWNED BY g_reader, g_nobody; DROP ROLE g_reader, g_nobody; END IF;
    CREATE ROLE g_reader; CREATE ROLE g_nobody; GRANT kpi_reader TO g_reader;
END $$;
SET ROLE g_reader;
SELECT is_empty($$SELECT * FROM public.lines(kpi.prometheus_text(), 'takings')$$, 'no number without the right on its facts');
SELECT is((SELECT count(*) FROM public.lines(kpi.prometheus_text(), '^kpi_(open_incidents|jobs_overdue|source_ok)\{')), 8::bigint, 'but the health of everything');
SELECT throws_ok($$SELECT kpi.prometheus_text('{takings}')$$, '42501', NULL, 'asked for by name it is refused');
SET ROLE g_nobody;
SELECT is((SELECT array_agg(DISTINCT gauge ORDER BY gauge) FROM kpi.health_gauges() WHERE gauge !~ 'worker|merged'), '{kpi_capture_error_rows,kpi_source_deltas,kpi_source_ok}', 'without a role only what kpi.status() tells');
RESET ROLE;
GRANT SELECT ON public.sale_facts TO g_reader;
SET ROLE g_reader;
SELECT is((SELECT count(*) FROM public.lines(kpi.prometheus_text(), '^kpi_takings_today\{')), 1::bigint, 'granted, it is there');
RESET ROLE;
DROP OWNED BY g_reader, g_nobody;
DROP ROLE g_reader, g_nobody;
SET ROLE g_owner;

SELECT throws_ok($$SELECT kpi.publish('nowhere', '{takings}')$$, '42704', NULL, 'an unknown sink');
SELECT kpi.add_sink('gateway', 'pushgateway', 'https://gateway.example') \gset
SELECT kpi.add_sink('files', 'file', '', '{"directory": "x"}') \gset
SELECT throws_ok($$SELECT kpi.publish('files', '{takings}')$$, '22023', 'sink "files" is of kind file', 'a sink that takes no gauges');
SELECT throws_ok($$SELECT kpi.publish('gateway', '{taking}')$$, '42704', NULL, 'an unknown metric');
SELECT throws_ok($$SELECT kpi.publish('gateway', '{takings}', '{city}')$$, '22023', NULL, 'an unknown dimension');
SELECT throws_ok($$SELECT kpi.publish('gateway', '{}')$$, '22023', NULL, 'nothing to publish');
SELECT throws_ok($$SELECT kpi.publish('gateway', '{takings}', top => 0)$$, '22023', NULL, 'no segments');
SELECT throws_ok($$SELECT kpi.publish('gateway', '{takings}', every => '0')$$, '22023', NULL, 'without a pause');
SELECT lives_ok($$SELECT kpi.publish('gateway', '{takings,sales,good_pct}', '{country}', every => '1 second')$$, 'is published');
RESET ROLE;
SET ROLE g_other;
SELECT throws_ok($$SELECT kpi.unpublish('gateway')$$, '42501', NULL, 'by its owner alone');
SELECT is_empty('SELECT sink FROM kpi.publication', 'others do not see it');
RESET ROLE;

-- What the steward does. The clocks are left out of the comparison: a number has to change.
SET kpi.allowed_hosts = '';
CALL kpi.work();
SELECT is((SELECT count(*) FROM kpi.outbox WHERE sink = 'gateway'), 1::bigint, 'the first push is queued');
SELECT results_eq($$SELECT value FROM kpi.health_gauges() WHERE gauge = 'kpi_outbox_pending' AND labels = '{"sink": "files"}'$$, $$VALUES (0::numeric)$$, 'a sink without messages has 0');
SELECT is((SELECT array_agg(DISTINCT m ->> 'name') FROM kpi.outbox, jsonb_array_elements(message -> 'metrics') m WHERE sink = 'gateway'),
    (SELECT array_agg(DISTINCT split_part(l, ' ', 3)) FROM public.lines(kpi.prometheus_text('{takings,sales,good_pct}', '{country}'), '^# TYPE') l), 'what is pushed is what is scraped');
SELECT is((SELECT jsonb_agg(DISTINCT m ->> 'name') - 'kpi_worker_heartbeat_timestamp_seconds' FROM kpi.outbox, jsonb_array_elements(message -> 'metrics') m WHERE sink = 'gateway'),
    (SELECT jsonb_agg(DISTINCT gauge) - 'kpi_worker_heartbeat_timestamp_seconds' FROM public.now WHERE value IS NOT NULL), 'with every gauge');
SELECT pg_sleep(1.1) \gset
CALL kpi.work();
SELECT is((SELECT count(*) FROM kpi.outbox WHERE sink = 'gateway'), 1::bigint, 'the same numbers are not queued again');
-- A gateway that is down keeps messages waiting; without one the first is dead by now.
UPDATE kpi.outbox SET state = 'pending', settled_at = NULL, due_at = 'infinity' WHERE sink = 'gateway';
INSERT INTO public.sale VALUES (now(), 'c01', 1, true);
SELECT pg_sleep(1.1) \gset
CALL kpi.work();
SELECT results_eq($$SELECT state = 'cancelled' FROM kpi.outbox WHERE sink = 'gateway' ORDER BY id$$, $$VALUES (true), (false)$$, 'a new one takes the place of what still waits');
SELECT is((SELECT (m #>> '{samples,0,value}')::numeric FROM kpi.outbox, jsonb_array_elements(message -> 'metrics') m WHERE sink = 'gateway' AND m ->> 'name' = 'kpi_takings_today' ORDER BY id DESC LIMIT 1),
    (SELECT sum(amount) FROM public.sale WHERE at >= date_trunc('day', now(), 'UTC')), 'and is right');

-- What cannot be read is said, once, and stops nothing.
DROP VIEW public.now;
SELECT kpi.undefine('good_pct') \gset
SELECT pg_sleep(1.1) \gset
CALL kpi.work();
SELECT matches((SELECT error FROM kpi.publication_state WHERE sink = 'gateway'), '^42704: metric "good_pct" does not exist$', 'an error stands beside it');
SELECT is((SELECT jsonb_agg(s -> 'labels' ORDER BY m ->> 'name' COLLATE "C", s -> 'labels') FROM kpi.outbox, jsonb_array_elements(message -> 'metrics') m, jsonb_array_elements(m -> 'samples') s
            WHERE id = (SELECT max(id) FROM kpi.outbox WHERE sink = 'gateway') AND m ->> 'name' IN ('kpi_metric_unreadable', 'kpi_takings_today', 'kpi_source_ok')),
    '[{"metric": "good_pct", "sqlstate": "42704"}, {"source": "sale"}, {}]', 'the others and the health are pushed, and it is named');
SELECT pg_sleep(1.1) \gset
SELECT count(*) AS pushes FROM kpi.outbox WHERE sink = 'gateway' \gset
CALL kpi.work();
SELECT is((SELECT count(*) FROM kpi.outbox WHERE sink = 'gateway'), :pushes::bigint, 'the same error is no news');
SET ROLE g_owner;
SELECT is(kpi.unpublish('gateway'), true, 'it ends');
RESET ROLE;
SELECT is((SELECT message ->> 'delete' FROM kpi.outbox WHERE sink = 'gateway' ORDER BY id DESC LIMIT 1), 'true', 'and the gateway is told to forget');
SELECT finish();
DROP OWNED BY g_owner, g_other CASCADE;
DROP ROLE g_owner, g_other;
