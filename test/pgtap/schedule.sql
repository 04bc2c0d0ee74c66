-- as: superuser
-- Jobs and their ledger: what is scheduled, who may, when a cron expression is due, in zones with all their jumps.
SET client_min_messages = error;
SET timezone = 'UTC';
\ir ../tools/raised.sql
\ir ../tools/roles.sql
SELECT t.fresh_roles('{j_owner,j_other,j_operator,j_reader}') \gset
GRANT kpi_admin TO j_owner, j_other; GRANT kpi_operator TO j_operator; GRANT kpi_reader TO j_reader;
GRANT USAGE ON SCHEMA t TO PUBLIC;
GRANT CREATE ON SCHEMA public TO j_owner;
SELECT * FROM no_plan();

-- When: each zone with its own jump.
CREATE FUNCTION t.due(schedule text, zone text, after timestamptz, count int) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(to_char(n AT TIME ZONE 'UTC', 'MM-DD HH24:MI'), ', ' ORDER BY n) FROM kpi.next_runs(schedule, zone, after, count) n $$;
SELECT is(t.due('0 8 * * *', 'UTC', '2026-11-27 08:00Z', 2), '11-28 08:00, 11-29 08:00', 'after means after');
SELECT is(t.due('0 8 * * *', 'America/Mexico_City', '2026-11-27 00:00Z', 1), '11-27 14:00', 'a zone without summer time');
SELECT is(t.due('30 2 * * *', 'Europe/Madrid', '2026-03-28 12:00Z', 2), '03-29 01:00, 03-30 00:30', 'Madrid: a skipped time is due at the jump');
SELECT is(t.due('30 2 * * *', 'Europe/Madrid', '2026-10-24 12:00Z', 2), '10-25 00:30, 10-26 01:30', 'Madrid: a time that comes twice is due at its first');
SELECT is(t.due('30 2 * * *', 'America/New_York', '2026-03-07 12:00Z', 2), '03-08 07:00, 03-09 06:30', 'New York, spring');
SELECT is(t.due('30 1 * * *', 'America/New_York', '2026-10-31 12:00Z', 2), '11-01 05:30, 11-02 06:30', 'New York, autumn');
SELECT is(t.due('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03 12:00Z', 2), '10-03 15:30, 10-04 15:15', 'Lord Howe: half an hour is skipped');
SELECT is(t.due('45 1 * * *', 'Australia/Lord_Howe', '2026-04-04 00:00Z', 2), '04-04 14:45, 04-05 15:15', 'Lord Howe: half an hour comes twice');
SELECT is(t.due('30 0 * * *', 'America/Santiago', '2026-09-05 12:00Z', 2), '09-06 04:00, 09-07 03:30', 'Santiago: midnight is skipped');
SELECT is(t.due('30 23 * * *', 'America/Santiago', '2026-04-04 12:00Z', 2), '04-05 02:30, 04-06 03:30', 'Santiago: the hour before midnight comes twice');
SELECT is(t.due('0 12 30 12 *', 'Pacific/Apia', '2011-12-01Z', 1), '12-30 10:00', 'Apia: the day that did not exist is due at the jump');
SELECT is(t.due('0 * * * *', 'Asia/Kolkata', '2026-11-27 00:00Z', 2), '11-27 00:30, 11-27 01:30', 'a zone off the hour');
SELECT is((SELECT count(*) FROM kpi.next_runs('*/30 * * * *', 'Europe/Madrid', '2026-10-24 22:00Z', 60) n WHERE n <= '2026-10-25 23:00Z'), 50::bigint, 'every hour: a day of 25 hours has 50 half hours');
SELECT is((SELECT count(*) FROM kpi.next_runs('*/30 * * * *', 'Europe/Madrid', '2026-03-28 23:00Z', 60) n WHERE n <= '2026-03-29 22:00Z'), 46::bigint, 'one of 23 has 46');
SELECT is(t.due('0 9 L * *', 'UTC', '2028-02-01Z', 2), '02-29 09:00, 03-31 09:00', 'the last of the month');
SELECT is(t.due('0 9 1 * mon', 'UTC', '2026-11-28Z', 3), '11-30 09:00, 12-01 09:00, 12-07 09:00', 'day of month or weekday');
SELECT is_empty($$SELECT kpi.next_runs('0 0 30 2 *')$$, 'a day that never comes');
SELECT matches(t.raised($$SELECT kpi.next_runs('0 25 * * *')$$), '^22023 cron expression: "25" is no hour', 'no cron expression');
SELECT matches(t.raised($$SELECT kpi.next_runs('0 8 * * *', 'EST5')$$), '^22023 time_zone "EST5" is no time zone', 'no time zone');

-- Scheduling
CREATE TABLE public.pay (at timestamptz NOT NULL, amount numeric);
CREATE VIEW public.pay_facts AS SELECT at, amount AS revenue FROM public.pay;
CREATE TABLE public.untracked (x int);
ALTER TABLE public.untracked OWNER TO j_owner; ALTER TABLE public.pay OWNER TO j_owner; ALTER VIEW public.pay_facts OWNER TO j_owner;
SET ROLE j_owner;
SELECT ok(kpi.track('public.pay_facts', 'at', timezone => 'UTC', build => 'now') IS NOT NULL, 'a source');
SELECT set_eq($$SELECT scheduled, note FROM kpi.schedule() WHERE scheduled ~ 'heartbeat'$$,
    $$VALUES ('kpi_heartbeat', $q$not scheduled: needs a sink: kpi.schedule('kpi_heartbeat', sinks => '{name}')$q$)$$, 'what cannot run is not scheduled, and why is said');
SELECT is((SELECT string_agg(job || ' ' || schedule, ', ' ORDER BY job) FROM kpi.job_status WHERE job ~ 'report'),
    'kpi_reports 0 8 * * *, kpi_reports_monthly 0 9 1 * *, kpi_reports_weekly 0 9 * * 1', 'reports are');
SELECT results_eq($$SELECT scheduled, expression, zone, runs_by, next_at > now() FROM kpi.schedule() WHERE scheduled = 'kpi_refresh_materialized'$$,
    $$VALUES ('kpi_refresh_materialized', '0 */4 * * *', 'UTC', 'nobody yet: CALL kpi.work() does when it is called', true)$$, 'what can is, and who runs it is said');
SELECT is((SELECT owner FROM kpi.job WHERE name = 'kpi_refresh_materialized'), 'j_owner'::regrole, 'with the rights of the caller');
SELECT is((SELECT concat_ws(' ', expression, zone, next_at) FROM kpi.schedule('kpi_refresh_materialized', '0 8 1 1 *', 'Europe/Madrid')),
    concat_ws(' ', '0 8 1 1 * Europe/Madrid', date_trunc('year', now()) + interval '1 year 7 hours'), 'a schedule and zone of its own');
SELECT is((SELECT expression FROM kpi.schedule('kpi_refresh_materialized', time_zone => '')), '0 8 1 1 *', 'NULL leaves as it is');
SELECT is((SELECT expression || ' ' || zone FROM kpi.schedule('kpi_refresh_materialized', '')), '0 */4 * * * UTC', 'empty: what the environment says');
SELECT is((SELECT runs_by FROM kpi.schedule('kpi_refresh_materialized', enabled => false)), 'nobody: it is not enabled', 'not enabled');
SELECT is_empty('SELECT next_at FROM kpi.job_status WHERE next_at IS NOT NULL AND NOT enabled', 'it is never due');
SELECT is((SELECT enabled FROM kpi.job_status WHERE job = 'kpi_refresh_materialized'), false, 'and shown so');
SELECT isnt((SELECT next_at FROM kpi.schedule('kpi_refresh_materialized', enabled => true)), NULL, 'enabled again');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_refresh')$$), '^42704 there is no job "kpi_refresh"', 'an unknown job');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_report')$$), 'Did you mean "kpi_reports"', 'with the name that it may mean');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_refresh_materialized', 'daily')$$), '^22023 cron expression "daily" has 1 fields', 'a wrong schedule');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_refresh_materialized', time_zone => 'Mars')$$), '^22023 "Mars" is no time zone', 'a wrong zone');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_refresh_materialized', max_age => '-1 day')$$), '^22023 max_age must not be negative', 'a wrong age');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_refresh_materialized', sinks => '{nowhere}')$$), '^42704 there is no sink "nowhere"', 'an unknown sink');
SELECT matches(t.raised($$SELECT kpi.schedule(NULL)$$), '^22004', 'NULL is no job');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_heartbeat')$$), '^22023 a heartbeat needs a sink', 'a heartbeat beats somewhere');

-- Runs. kpi.work() and kpi.run_due() perform them; nothing is due unless it is asked for.
CREATE VIEW public.untracked_view AS SELECT x FROM public.untracked;
CREATE MATERIALIZED VIEW public.other AS SELECT count(*) FROM public.untracked_view;
SELECT matches(t.raised('CALL kpi.run_due()'), '^2D000 kpi.run_due\(\) cannot run inside', 'not inside a function');
CALL kpi.run_due();
SELECT is_empty('SELECT 1 FROM kpi.run', 'nothing is due');
SELECT ok(kpi.run_now('kpi_refresh_materialized') = kpi.run_now('kpi_refresh_materialized'), 'one run waits, however often it is asked for');
CALL kpi.run_due('kpi_refresh_materialized');
SELECT results_eq('SELECT state, rows, note, error, scheduled_for, requested_by, attempt, duration >= interval $$0$$ FROM kpi.run',
    $$VALUES ('succeeded', 0::bigint, 'nothing to do', NULL::text, NULL::timestamptz, 'j_owner'::regrole, 1, true)$$, 'no materialized view shows tracked numbers: nothing to do, and it says so');
CREATE MATERIALIZED VIEW public.shown AS SELECT sum(revenue) FROM public.pay_facts;
CREATE MATERIALIZED VIEW public.watched AS SELECT sum(revenue) FROM public.pay_facts;
SELECT kpi.watch_view('public.watched');
INSERT INTO public.pay VALUES (now(), 5);
SELECT ok(kpi.run_now('kpi_refresh_materialized') > 0, 'another run');
CALL kpi.run_due();
SELECT is((SELECT sum FROM public.shown), 5::numeric, 'the view that nobody watches was refreshed');
SELECT is((SELECT sum FROM public.watched), NULL, 'the watched one is the worker''s');
SELECT is((SELECT state || ' ' || rows FROM kpi.run ORDER BY id DESC LIMIT 1), 'succeeded 1', 'one was');

RESET ROLE;
SELECT kpi.load_environment('dev', 'analyze_after_refresh: true') AS loaded \gset
SET kpi.environment = dev; SET ROLE j_owner;
SELECT is_empty($$SELECT 1 FROM pg_stats WHERE tablename = 'shown'$$, 'nothing was analysed');
SELECT ok(kpi.run_now('kpi_refresh_materialized') > 0, 'with ANALYZE, as the environment says');
CALL kpi.run_due('kpi_refresh_materialized');
SELECT isnt_empty($$SELECT 1 FROM pg_stats WHERE tablename = 'shown'$$, 'now it was');
RESET ROLE; RESET kpi.environment; SET ROLE j_owner;

-- A run that fails, and what becomes of it.
CREATE FUNCTION public.breaks(numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = 'P0001'; END $$;
CREATE MATERIALIZED VIEW public.broken AS SELECT public.breaks(sum(revenue)) FROM public.pay_facts WITH NO DATA;
INSERT INTO public.pay VALUES (now(), 6);
SELECT ok(kpi.run_now('kpi_refresh_materialized') > 0, 'a run that will fail');
RESET ROLE; SET kpi.language = 'es'; SET ROLE j_owner;
CALL kpi.run_due();
RESET ROLE; RESET kpi.language; SET ROLE j_owner;
SELECT results_eq('SELECT state, error FROM kpi.run ORDER BY id DESC LIMIT 1',
    $$VALUES ('failed', 'P0001: 1 of 2 materialized views could not be refreshed: broken')$$, 'a failed run says why');
SELECT is((SELECT sum FROM public.shown), 11::numeric, 'and the other view was refreshed');
SELECT results_eq('SELECT kind, state, title, role FROM kpi.incident WHERE fingerprint = $$job:kpi_refresh_materialized$$',
    $$VALUES ('run', 'firing', 'la tarea kpi_refresh_materialized ha fallado: P0001: 1 of 2 materialized views could not be refreshed: broken', 'j_owner'::regrole)$$, 'it opens an incident, of the job''s owner, in the language of the server');
DROP MATERIALIZED VIEW public.broken;
SELECT ok(kpi.run_now('kpi_refresh_materialized') > 0, 'mended');
CALL kpi.run_due();
SELECT is((SELECT state FROM kpi.incident WHERE fingerprint = 'job:kpi_refresh_materialized'), 'resolved', 'the next success closes it');

-- Checks and probes are run as their owners, whatever runs the job.
SELECT lives_ok($$SELECT kpi.add_check('fresh', 'freshness', source => 'pay_facts')$$, 'a check');
SELECT lives_ok($$SELECT kpi.add_probe('total', 'SELECT sum(revenue) FROM public.pay_facts')$$, 'a probe');
SELECT is((SELECT count(*) FROM kpi.schedule() WHERE scheduled IN ('kpi_dq_health_checks', 'kpi_query_performance') AND next_at IS NOT NULL), 2::bigint, 'their jobs');
SELECT ok(kpi.run_now(job) > 0, job || ' now') FROM unnest('{kpi_dq_health_checks,kpi_query_performance}'::text[]) job;
CALL kpi.run_due('kpi_dq_health_checks');
SELECT results_eq($$SELECT state, rows, error FROM kpi.run WHERE job = 'kpi_dq_health_checks'$$, $$VALUES ('succeeded', 1::bigint, NULL::text)$$, 'one check was run');
SELECT isnt_empty($$SELECT 1 FROM kpi.check_result$$, 'and has a result');
SELECT is((SELECT state FROM kpi.run WHERE job = 'kpi_query_performance'), 'waiting', 'of one job means of one job');
CALL kpi.run_due();
SELECT results_eq($$SELECT state, rows, error FROM kpi.run WHERE job = 'kpi_query_performance'$$, $$VALUES ('succeeded', 1::bigint, NULL::text)$$, 'one probe was run');
SELECT isnt_empty($$SELECT 1 FROM kpi.probe_run WHERE name = 'total' AND error IS NULL$$, 'and has its time');
-- Reports: each job makes its own.
SELECT ok(kpi.run_now(job) > 0, job || ' now') FROM unnest('{kpi_reports,kpi_reports_weekly,kpi_reports_monthly}'::text[]) job;
CALL kpi.run_due();
SELECT is((SELECT string_agg(concat_ws(' ', job, state, rows, error), ', ' ORDER BY job) FROM kpi.run WHERE job ~ 'report'),
    'kpi_reports succeeded 1, kpi_reports_monthly succeeded 1, kpi_reports_weekly succeeded 1', 'each made a report');
SELECT is((SELECT string_agg(kind || ' ' || owner, ', ' ORDER BY kind) FROM kpi.report), 'daily j_owner, monthly j_owner, weekly j_owner', 'of its kind, with the rights of the job''s owner');
SELECT is((SELECT count(*) FROM unnest('{kpi_dq_health_checks,kpi_query_performance,kpi_reports,kpi_reports_weekly,kpi_reports_monthly}'::text[]) job, kpi.unschedule(job)), 5::bigint, 'enough of them');

-- Who may
SET ROLE j_other;
SELECT is_empty('SELECT 1 FROM kpi.job UNION ALL SELECT 1 FROM kpi.run UNION ALL SELECT 1 FROM kpi.job_status', 'a stranger sees none of it');
SELECT matches(t.raised($$SELECT kpi.run_now('kpi_refresh_materialized')$$), '^42501 job "kpi_refresh_materialized" belongs to role j_owner', 'starts none');
SELECT matches(t.raised($$SELECT kpi.schedule('kpi_refresh_materialized', '* * * * *')$$), '^42501', 'changes none');
SELECT matches(t.raised($$SELECT kpi.unschedule('kpi_refresh_materialized')$$), '^42501', 'takes none away');
SELECT is_empty('SELECT kpi.unschedule()', 'not with the others either');
SELECT matches(t.raised($$UPDATE kpi.job SET enabled = false$$), '^42501', 'and writes no table');
SET ROLE j_reader;
SELECT is((SELECT last_state FROM kpi.job_status WHERE job = 'kpi_refresh_materialized'), 'succeeded', 'kpi_reader sees the health');
SELECT matches(t.raised('SELECT error FROM kpi.run'), '^42501', 'not the texts');
SELECT matches(t.raised($$SELECT kpi.run_now('kpi_refresh_materialized')$$), '^42501', 'and starts nothing');
SET ROLE j_operator;
SELECT ok(kpi.run_now('kpi_refresh_materialized') > 0, 'kpi_operator starts it');
SELECT is((SELECT requested_by FROM kpi.run WHERE state = 'waiting'), 'j_operator'::regrole, 'which is noted');
RESET ROLE;
SET ROLE j_owner;
SELECT results_eq($$SELECT kpi.unschedule('kpi_refresh_materialized')$$, $$VALUES ('kpi_refresh_materialized')$$, 'taken off');
SELECT is_empty('SELECT 1 FROM kpi.job_status', 'it is gone');
SELECT is((SELECT count(*) FROM kpi.run WHERE state <> 'waiting' AND job = 'kpi_refresh_materialized'), 5::bigint, 'its runs are kept');
SELECT is_empty($$SELECT 1 FROM kpi.run WHERE state = 'waiting'$$, 'what waited is not');
SELECT matches(t.raised($$SELECT kpi.run_now('kpi_refresh_materialized')$$), '^42704 job "kpi_refresh_materialized" is not scheduled', 'nothing to start');

-- The environment's schedules
RESET ROLE;
SELECT kpi.load_environment('dev', E'refresh_schedule: "0 6 * * *"\ntime_zone: Europe/Madrid') AS loaded \gset
SET kpi.environment = dev;
SELECT is((SELECT expression || ' ' || zone FROM kpi.schedule() WHERE scheduled = 'kpi_refresh_materialized'), '0 6 * * * Europe/Madrid', 'a job follows the environment');
RESET kpi.environment;
CALL kpi.run_due();
SELECT is((SELECT schedule || ' ' || time_zone FROM kpi.job_status WHERE job = 'kpi_refresh_materialized'), '0 */4 * * * UTC', 'also when it changes');
SELECT is_empty($$SELECT 1 FROM kpi.run WHERE scheduled_for IS NOT NULL$$, 'a new schedule owes nothing of before');

-- The owner of a job is dropped.
CREATE ROLE j_gone; GRANT kpi_admin TO j_gone;
SELECT count(*) AS gone FROM kpi.unschedule() \gset
SET ROLE j_gone;
SELECT ok(EXISTS (SELECT FROM kpi.schedule()), 'scheduled by one who leaves');
RESET ROLE;
DROP ROLE j_gone;
SELECT kpi.run_now('kpi_refresh_materialized') AS run \gset
CALL kpi.run_due();
SELECT matches((SELECT error FROM kpi.run ORDER BY id DESC LIMIT 1), '^42704: the role that owned job "kpi_refresh_materialized" was dropped', 'nobody''s rights are no rights');
SELECT * FROM finish();
