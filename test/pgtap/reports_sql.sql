-- as: superuser
-- Reports of a user's own SELECT, and schedules of their own: what runs, as whom, what it may, its bytes, its job.
\ir ../tools/report_shop.sql
SELECT * FROM no_plan();
CREATE FUNCTION t.text(kind text, day date DEFAULT NULL, format text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT convert_from(kpi.report_content(r.id), 'UTF8') FROM kpi.make_report(kind, day, format) r $$;
CREATE TABLE public.agent (name text, since date, refunds int, share float8, good boolean, at timestamptz, note text);
INSERT INTO public.agent VALUES ('Ana', '2024-02-29', 12, 0.5, true, '2026-04-05 10:00Z', NULL), ('=SUM(A1)', 'infinity', -3, 'NaN', false, '2026-04-05 23:30Z', 'a "b", c'), ('<b>Zoë', NULL, NULL, 1e20, NULL, NULL, '');
SELECT kpi.add_report('agents', 'sql', '{}', '{csv,html,xlsx,text,json}', 'es', '{"sql": "SELECT name, since, refunds, share, good, at, note FROM public.agent", "title": "Refunds by agent"}');

-- What it says: rows as text, in an order of their own, whatever the session says.
SELECT results_eq($$SELECT l FROM t.lines((SELECT id FROM kpi.make_report('agents', '2026-04-05'))) l$$, $$VALUES
    ('name,since,refunds,share,good,at,note'), ('<b>Zoë,,,100000000000000000000,,,""'),
    ($x$"'=SUM(A1)",,-3,,false,2026-04-05 23:30:00+00,"a ""b"", c"$x$), ('Ana,2024-02-29,12,0.5,true,2026-04-05 10:00:00+00,'), ('')$$, 'the rows as CSV: a name is no formula, a negative number is a number');
SELECT is((SELECT object_key FROM kpi.make_report('agents', '2026-04-05', 'html')), 'reports/agents/2026-04-05/kpi_agents_2026-04-05.es.html', 'its key');
SELECT matches(t.text('agents', '2026-04-05', 'html'), '<title>Refunds by agent.*>&lt;b&gt;Zoë<', 'HTML is escaped');
SELECT matches(t.text('agents', '2026-04-05', 'text'), 'Refunds by agent.*Ana +29 feb 2024|Ana +jue 29 feb 2024', 'text, in Spanish');
SELECT is(t.text('agents', '2026-04-05', 'json')::jsonb #>> '{data,rows,2,2}', '12', 'JSON keeps numbers');
CREATE TABLE t.bytes AS SELECT f, r.checksum FROM unnest('{csv,html,xlsx,text,json}'::text[]) f, kpi.make_report('agents', '2026-04-05', f) r;
RESET ROLE;
DELETE FROM kpi.report;
SET ROLE p_owner;
SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET extra_float_digits = 0; SET intervalstyle = 'iso_8601';
INSERT INTO public.agent SELECT * FROM public.agent WHERE name = 'Ana'; DELETE FROM public.agent WHERE ctid = (SELECT min(ctid) FROM public.agent WHERE name = 'Ana');
SELECT results_eq('SELECT f, r.checksum FROM unnest($${csv,html,xlsx,text,json}$$::text[]) f, kpi.make_report($$agents$$, $$2026-04-05$$, f) r', 'SELECT f, checksum FROM t.bytes', 'the same rows in another place, by another session: the same bytes');
RESET timezone; RESET datestyle; RESET extra_float_digits; RESET intervalstyle;
SELECT is((SELECT max(version) FROM kpi.report), 1, 'one version');
INSERT INTO public.agent (name) VALUES ('Bea');
SELECT is((SELECT version || ' ' || (restates IS NOT NULL) FROM kpi.make_report('agents', '2026-04-05', 'html')), '2 true', 'other rows: a version that restates');

-- The day that it is about
SELECT kpi.add_report('day', 'sql', '{}', options => '{"sql": "SELECT kpi.report_day() AS day, count(*) FROM public.payments WHERE created_at::date = kpi.report_day() ORDER BY 1"}') \gset
SELECT is((SELECT l FROM t.lines((SELECT id FROM kpi.make_report('day', '2026-03-03'))) l OFFSET 1 LIMIT 1), '2026-03-03,3', 'an earlier day again');
SELECT is((SELECT l FROM t.lines((SELECT id FROM kpi.make_report('day'))) l OFFSET 1 LIMIT 1), (now() AT TIME ZONE 'UTC')::date - 1 || ',0', 'yesterday');
SELECT is(kpi.report_day(), (now() AT TIME ZONE 'UTC')::date - 1, 'elsewhere too');
SELECT matches(t.raised($$SELECT kpi.make_report('day', current_date + 1)$$), '^22023 \S+ is not over yet', 'today is not over');
SELECT kpi.alter_report('day', options => '{"sql": "SELECT 1 AS one WHERE false"}') \gset
SELECT is(t.text('day'), E'one\r\n', 'no rows: a header');
SELECT matches(t.text('day', format => 'text'), 'No values\.', 'and it says so');

-- What is refused when it is added
SELECT matches(t.raised(format('SELECT kpi.add_report(%L, %L, %L, options => %L)', 'x', 'sql', '{}', o)), e, o) FROM (VALUES
    ('{}', '^22023 a report of kind sql needs option "sql"'), ('{"sql": 3}', '^22023 option "sql" must be a text'),
    ('{"sql": "DELETE FROM public.agent"}', '^22023 sql must be one SELECT'), ('{"sql": "SELECT 1; SELECT 2"}', '^22023 sql must be one SELECT'),
    ('{"sql": "SELECT 1) x; DROP TABLE public.agent; SELECT * FROM (SELECT 1"}', '^42601'), ('{"sql": "SELECT 1 FROM agent"}', '^42P01.*need their schema'),
    ('{"sql": "SELECT 1", "max_rows": 100001}', '^22023 option "max_rows" must be between 1 and 100000'), ('{"sql": "SELECT 1", "metrics": []}', '^22023 a report of kind sql has no option "metrics"'),
    ('{"sql": "SELECT"}', '^22023 sql of a report must return a column'), ('[]', '^22023 the options of a report must be')) v(o, e);
SELECT matches(t.raised($$SELECT kpi.add_report('sql', 'daily', '{}')$$), '^22023 "sql" cannot be the name', 'a name that is taken');
SELECT matches(t.raised($$SELECT kpi.add_report('x', 'hourly', '{}')$$), '^22023 a report cannot be of kind "hourly".*sql', 'an unknown kind');
SELECT matches(t.raised($$SELECT kpi.make_report('sql')$$), '^22023 there is no report "sql"', 'sql alone is no report');

-- What it may not: write, take long, return much, leave anything behind
CREATE FUNCTION public.evil(what text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE what; RETURN 1; END $$;
SELECT count(kpi.add_report(name, 'sql', '{}', options => jsonb_build_object('sql', sql, 'max_rows', CASE WHEN name IN ('wide', 'long') THEN 100000 ELSE 5 END))::text) AS added FROM (VALUES
    ('sends', 'SELECT (kpi.test_sink(''nowhere'')).state'), ('writes', $$SELECT public.evil('INSERT INTO public.agent VALUES (''x'')')$$), ('roles', $$SELECT public.evil('RESET ROLE')$$), ('sleeps', 'SELECT pg_sleep(20)::text'),
    ('long', $$SELECT repeat('ab"c', 110000) FROM generate_series(1, 100)$$), ('many', 'SELECT g FROM generate_series(1, 6) g'), ('large', $$SELECT repeat('x', 30000000) FROM generate_series(1, 3)$$), ('divides', 'SELECT 1 / (g - 2) FROM generate_series(1, 3) g'),
    ('wide', 'SELECT ' || (SELECT string_agg('NULL::text', ',') FROM generate_series(1, 1000)) || ' FROM generate_series(1, 2001)'), ('sets', $$SELECT set_config('application_name', 'evil', false)$$), ('names', 'SELECT 1 AS a, 2 AS a, now() = now()')) v(name, sql) \gset
RESET ROLE; SET kpi.check_timeout = 4; SET ROLE p_owner;
SELECT matches(t.raised(format('SELECT kpi.make_report(%L)', name)), e, name) FROM (VALUES
    ('sends', '^25006 the sql of the report failed: cannot execute kpi.test_sink\(\) in a read-only transaction'), ('writes', '^25006 the sql of the report failed: cannot execute INSERT in a read-only transaction'), ('roles', '^\S+ the sql of the report failed'), ('sleeps', '^54000 the sql of the report failed: it took longer than 4 s.*kpi.check_timeout'),
    ('many', '^54000 the sql of the report returns more than 5 rows.*max_rows'), ('large', '^54000 the sql of the report returns more than 50 MB'), ('wide', '^54000 the sql of the report returns more than 50 MB.*Each cell'), ('divides', '^22012 the sql of the report failed: division by zero'), ('sets', 'nothing was raised')) v(name, e);
RESET ROLE; SET kpi.check_timeout = 1; SET ROLE p_owner;
SELECT matches(t.raised($$SELECT kpi.make_report('long', format => 'json')$$), '^54000 writing the report as json took longer than 1 s.*kpi.check_timeout', 'nor is one written for longer');
SELECT is(t.raised($$SELECT kpi.make_report('long', format => 'text')$$), 'nothing was raised', 'as text it is short');
RESET ROLE; RESET kpi.check_timeout; SET ROLE p_owner;
SELECT cmp_ok((SELECT max(length(l)) FROM regexp_split_to_table(t.text('long', format => 'text'), E'\n') l), '<', 100, 'for a cell of it has 80 characters');
SELECT isnt(current_setting('application_name'), 'evil', 'a setting is undone');
SELECT is(t.text('names'), E'a,a,?column?\r\n1,2,true\r\n', 'names as they are');
SELECT is((SELECT count(*) FROM public.agent), 4::bigint, 'nothing was written');

-- As its owner, whoever asks; only he writes it.
SELECT kpi.add_report('who', 'sql', '{}', options => '{"sql": "SELECT current_user::text AS who, session_user = current_user AS same"}') \gset
SET ROLE p_operator;
SELECT matches(t.text('who'), 'p_owner', 'an operator has it made, with the rights of its owner');
SELECT is((SELECT owner::text FROM kpi.report WHERE kind = 'who'), 'p_owner', 'whose it is');
SELECT matches(t.raised($$SELECT kpi.alter_report('who', options => '{"sql": "SELECT 2"}')$$), '^42501', 'but does not write it');
SET ROLE p_other;
SELECT matches(t.raised($$SELECT kpi.make_report('who')$$), '^42501 report "who" belongs to another role', 'a stranger has not');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_report_who', '0 7 * * *')$$), '^42501', 'nor schedules it');
SET ROLE p_owner;

-- A schedule of its own: a job of the ledger.
SELECT matches(t.raised($$SELECT kpi.add_report('y', 'daily', '{}', schedule => 'often')$$), '^22023', 'no cron expression');
SELECT is_empty($$SELECT 1 FROM kpi.report_plan WHERE name = 'y'$$, 'and nothing is left of it');
SELECT matches(t.raised($$SELECT kpi.add_report('y', 'daily', '{}', time_zone => 'UTC')$$), '^22023 a time zone without a schedule', 'a zone alone');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_report_who')$$), '^22023 a report of its own needs a schedule', 'no schedule');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_report_nobody', '0 7 * * *')$$), '^42704 there is no job', 'of no report');
SELECT kpi.add_report('mornings', 'daily', '{}', '{json}', schedule => '30 7 * * 1-5', time_zone => 'Europe/Madrid') \gset
SELECT is((SELECT concat_ws(' ', schedule, time_zone, enabled, overdue, next_at > now()) FROM kpi.job_status WHERE job = 'kpi_report_mornings'), '30 7 * * 1-5 Europe/Madrid t f t', 'in the status of schedules');
SELECT is((SELECT owner::text FROM kpi.job WHERE name = 'kpi_report_mornings'), 'p_owner', 'with the rights of its owner');
SELECT is(kpi.run_reports('daily'), 1::bigint, 'not with the others of its kind any more');
SELECT kpi.run_now('kpi_report_mornings') AS run \gset
RESET ROLE;
CALL kpi.run_due('kpi_report_mornings');
SET ROLE p_owner;
SELECT is((SELECT concat_ws(' ', state, rows, error) FROM kpi.run WHERE id = :run), 'succeeded 1', 'by hand');
SELECT isnt_empty($$SELECT 1 FROM kpi.report WHERE kind = 'mornings' AND format = 'json'$$, 'and it is there');
-- Three days without a run: what is not older than max_age is caught up, once; what is older is missed.
SELECT kpi.alter_report('day', schedule => '0 6 * * *', options => '{"sql": "SELECT 1 / 0"}') \gset
SELECT count(*) AS set FROM kpi.schedule('kpi_report_mornings', max_age => '30 days') a, kpi.schedule('kpi_report_day', max_age => '0') b \gset
RESET ROLE;
UPDATE kpi.job_state SET next_at = next_at - interval '7 days' WHERE job IN ('kpi_report_mornings', 'kpi_report_day');
CALL kpi.run_due('kpi_report_mornings');
CALL kpi.run_due('kpi_report_day');
SET ROLE p_owner;
SELECT is((SELECT string_agg(concat_ws(' ', job, state, skipped >= 3), ', ' ORDER BY job) FROM kpi.run WHERE scheduled_for IS NOT NULL), 'kpi_report_day missed t, kpi_report_mornings succeeded t', 'what passed meanwhile runs once, or not any more');
SELECT kpi.run_now('kpi_report_day') AS failing \gset
RESET ROLE;
CALL kpi.run_due('kpi_report_day');
SET ROLE p_owner;
SELECT is((SELECT concat_ws(' ', state, error) FROM kpi.run WHERE id = :failing), 'failed 22012: the sql of the report failed: division by zero', 'one that fails');
SELECT matches((SELECT title FROM kpi.incident WHERE kind = 'run' AND state = 'firing'), 'kpi_report_day', 'is an incident');
SELECT kpi.alter_report('mornings', schedule => '', enabled => true), kpi.alter_report('day', enabled => false), kpi.drop_report('agents') \gset
SELECT is((SELECT string_agg(name || ' ' || enabled, ', ') FROM kpi.job), 'kpi_report_day false', 'an empty schedule ends its job; a report that is off, too');
SELECT is(kpi.run_reports('daily'), 2::bigint, 'it goes with the others again');
SELECT kpi.drop_report('day') \gset
SELECT is_empty('SELECT 1 FROM kpi.job', 'a report takes its job along');
SELECT is_empty($$SELECT 1 FROM kpi.incident WHERE state = 'firing' AND kind = 'run'$$, 'and its incident');

-- Sending: the rows, once, as they were made.
RESET ROLE; SELECT set_config('kpi.allowed_hosts', 'hooks.example', false) \gset
SET ROLE p_owner;
SELECT kpi.add_sink('people', 'webhook', 'https://hooks.example/x'), kpi.alter_report('names', sinks => '{people}') \gset
SELECT kpi.send_report('names') AS sent \gset
SELECT matches((SELECT text FROM kpi.announcement WHERE id = :sent), '1 +2 +true', 'people are told the rows');

-- One sending is one answer, whatever its formats: the files say the same.
SELECT kpi.add_report('dice', 'sql', '{people}', '{csv,json,text,html}', options => '{"sql": "SELECT random()::text AS r"}'), kpi.send_report('dice') \gset
SELECT is((SELECT count(DISTINCT substring(convert_from(kpi.report_content(id), 'UTF8') FROM '0\.\d{6,}')) || ' of ' || count(*) FROM kpi.report WHERE kind = 'dice'), '1 of 4', 'its SELECT runs once');
SELECT matches((SELECT text FROM kpi.announcement WHERE kind = 'dice'), (SELECT substring(convert_from(kpi.report_content(id), 'UTF8') FROM '0\.\d{6,}') FROM kpi.report WHERE kind = 'dice' AND format = 'csv'), 'people are told the same');

-- A schedule that comes later: its sinks hear of failures, one that is off stays off, and what failed among the others is settled.
SELECT count(kpi.add_report(n, 'daily', '{people}')::text) FROM unnest('{late,off,gone}'::text[]) n \gset
SELECT kpi.alter_report('off', enabled => false), kpi.alter_report('off', schedule => '0 6 * * *') \gset
RESET ROLE; UPDATE kpi.report_plan SET options = '{"metrics": ["nosuch"]}' WHERE name IN ('late', 'gone'); SET ROLE p_owner;
SELECT kpi.run_reports('daily') \gset
CREATE FUNCTION t.firing() RETURNS text LANGUAGE sql AS $$ SELECT coalesce(string_agg(substring(title, '^report (\w+) failed'), ',' ORDER BY id), '') FROM kpi.incident WHERE kind = 'run' AND state = 'firing' $$;
SELECT is(t.firing(), 'gone,late', 'two fail');
RESET ROLE; UPDATE kpi.report_plan SET options = '{}' WHERE name = 'late'; SET ROLE p_owner;
SELECT kpi.alter_report('late', schedule => '0 6 * * *') \gset
SELECT is((SELECT string_agg(concat_ws(' ', name, enabled, sinks), ', ' ORDER BY name) FROM kpi.job), 'kpi_report_late t {people}, kpi_report_off f {people}', 'their jobs');
SELECT kpi.run_now('kpi_report_late') \gset
RESET ROLE; CALL kpi.run_due('kpi_report_late'); SET ROLE p_owner;
SELECT is(t.firing(), 'gone', 'one that went well by its own schedule');
SELECT kpi.drop_report('gone') \gset
-- A report and its job are on or off together, whoever says so.
CREATE FUNCTION t.on(report text) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(' ', p.enabled, j.enabled) FROM kpi.report_plan p JOIN kpi.job j ON j.name = 'kpi_report_' || p.name WHERE p.name = report $$;
SELECT count(*) AS set FROM kpi.schedule('kpi_report_off', enabled => true) \gset
SELECT is(t.on('off'), 't t', 'kpi.schedule puts its report on');
SELECT count(*) AS set FROM kpi.schedule('kpi_report_off', enabled => false) \gset
SELECT is(t.on('off'), 'f f', 'and off');
SELECT kpi.alter_report('off', enabled => true) \gset
SELECT is(t.on('off'), 't t', 'kpi.alter_report its job');
SELECT count(*) AS set FROM kpi.schedule('kpi_report_off', '0 5 * * *') \gset
SELECT is(t.on('off'), 't t', 'a schedule alone leaves it');
SELECT kpi.alter_report('off', enabled => false), kpi.alter_report('off', schedule => '') \gset
SELECT count(*) AS set FROM kpi.schedule('kpi_report_off', '0 5 * * *', enabled => true) \gset
SELECT is(t.on('off'), 't t', 'a job that is new, too');
SELECT is(t.firing(), '', 'one that is dropped');
SELECT * FROM finish();
