-- as: superuser
-- Reports as values: the daily CSV, its bytes, versions and rights, by an owner who is no superuser.
CREATE SCHEMA t;
\ir ../tools/raised.sql
DO $$
DECLARE r text;
BEGIN
    FOREACH r IN ARRAY '{p_owner,p_other,p_operator,p_reader}'::text[] LOOP
        IF to_regrole(r) IS NOT NULL THEN EXECUTE format('DROP OWNED BY %1$s; DROP ROLE %1$s', r); END IF;
        EXECUTE format('CREATE ROLE %I', r);
    END LOOP;
END $$;
GRANT kpi_admin TO p_owner, p_other; GRANT kpi_operator TO p_operator; GRANT kpi_reader TO p_reader;
GRANT CREATE, USAGE ON SCHEMA public TO p_owner; GRANT USAGE ON SCHEMA t TO PUBLIC; GRANT CREATE ON SCHEMA t TO p_owner;
SET ROLE p_owner;
SET timezone = 'America/Lima';
CREATE TABLE public.leads (created_at timestamptz, country text, source text);
CREATE TABLE public.payments (created_at timestamptz, country text, source text, status text, amount numeric);
INSERT INTO public.leads SELECT timestamptz '2026-03-01 12:00Z' + d * interval '1 day', 'MX', 'google' FROM generate_series(0, 39) d, generate_series(0, d % 5) n WHERE d <> 20;
INSERT INTO public.payments SELECT timestamptz '2026-03-01 13:00Z' + d * interval '1 day', 'MX', 'google', CASE WHEN n = 1 THEN 'failed' ELSE 'paid' END, 10.50 + n
  FROM generate_series(0, 39) d, generate_series(0, d % 3) n WHERE d <> 20;
SELECT count(*) AS installed FROM kpi.install_sales(timezone => 'UTC') \gset
SELECT kpi.rebuild(name) FROM kpi.source;
SELECT * FROM no_plan();

SELECT * FROM kpi.make_report('daily', '2026-04-05') \gset made_
SELECT is(ROW(:'made_kind', :'made_format', :'made_language', :'made_version', :'made_period')::text, '(daily,csv,en,1,"[2026-03-07,2026-04-06)")', 'thirty days up to as_of, version 1');
SELECT is(:'made_object_key'::text, 'reports/daily/2026-04-05/kpi_daily_2026-04-05.csv', 'the key of the old stack');
SELECT is(:'made_content_type'::text, 'text/csv; charset=utf-8', 'its type');
SELECT is((SELECT restates FROM kpi.report), NULL, 'it restates nothing');
CREATE FUNCTION t.lines(report bigint) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT l FROM string_to_table(convert_from(kpi.report_content(report), 'UTF8'), E'\r\n') l $$;
SELECT is((SELECT l FROM t.lines(:made_id) l LIMIT 1), 'day,leads,conversion_pct,revenue,payments_count,payments_success_rate', 'exactly these columns');
SELECT results_eq(format($$SELECT l FROM t.lines(%s) WITH ORDINALITY l(l, n) WHERE n > 1 AND l <> '' ORDER BY n$$, :made_id), $$
    SELECT concat_ws(',', q.day, coalesce(max(trim_scale(round(q.value, 10))) FILTER (WHERE metric = 'leads')::text, ''), coalesce(max(trim_scale(round(q.value, 10))) FILTER (WHERE metric = 'conversion_pct')::text, ''),
           coalesce(max(trim_scale(round(q.value, 10))) FILTER (WHERE metric = 'revenue')::text, ''), coalesce(max(trim_scale(round(q.value, 10))) FILTER (WHERE metric = 'payments')::text, ''),
           coalesce(max(trim_scale(round(q.value, 10))) FILTER (WHERE metric = 'payments_success_rate')::text, ''))
      FROM kpi.query('{leads,conversion_pct,revenue,payments,payments_success_rate}', '2026-03-07', '2026-04-05') q GROUP BY q.day ORDER BY q.day$$,
    'every number is that of kpi.query');
SELECT is((SELECT l FROM t.lines(:made_id) l WHERE l ~ '^2026-03-21'), '2026-03-21,0,,0,0,', 'a day without rows: 0, and no rate');
SELECT is(:'made_checksum'::text, encode(sha256(kpi.report_content(:made_id)), 'hex'), 'the checksum is of the content');
SELECT is(:'made_size'::bigint, octet_length(kpi.report_content(:made_id))::bigint, 'and so is the size');

-- The same numbers: the same row, from wherever they are read.
SET timezone = 'Asia/Tokyo'; SET datestyle = 'SQL, DMY'; SET extra_float_digits = 0;
SELECT is((kpi.make_report('daily', '05/04/2026')).id, :made_id::bigint, 'again, with other settings of the session: nothing new');
RESET datestyle; RESET extra_float_digits;
SELECT is((SELECT count(*) FROM kpi.report), 1::bigint, 'one report');
INSERT INTO public.payments VALUES ('2026-04-01 10:00Z', 'MX', 'google', 'paid', 7.123456);
SELECT * FROM kpi.make_report('daily', '2026-04-05') \gset second_
SELECT is(ROW(:'second_version', :'second_restates', :'second_object_key')::text, ROW('2', :'made_id', :'made_object_key')::text, 'other numbers: a new version under the same key, that says what it restates');
SELECT isnt(:'second_checksum'::text, :'made_checksum'::text, 'with other bytes');
SELECT is((SELECT l FROM t.lines(:made_id) l WHERE l ~ '^2026-04-01'), (SELECT l FROM t.lines(:made_id) l WHERE l ~ '^2026-04-01'), 'the first version is kept');
DELETE FROM public.payments WHERE amount = 7.123456;
SELECT * FROM kpi.make_report('daily', '2026-04-05') \gset third_
SELECT is(ROW(:'third_version', :'third_checksum')::text, ROW('3', :'made_checksum')::text, 'back to the first numbers: their bytes, with no trace of what was summed meanwhile');
RESET ROLE;
DELETE FROM kpi.report;
SET ROLE p_owner;
SELECT is((SELECT checksum || version FROM kpi.make_report('daily', '2026-04-05')), :'made_checksum' || '1', 'and the same bytes after the rows are gone');
SELECT kpi.rebuild(name) FROM kpi.source;
SELECT is((SELECT count(*) FROM kpi.make_report('daily', '2026-04-05')), 1::bigint, 'after a rebuild');
SELECT is((SELECT max(version) FROM kpi.report), 1, 'still version 1');

-- Days
SELECT is((SELECT upper(period) - 1 FROM kpi.make_report('daily')), (now() AT TIME ZONE 'UTC')::date - 1, 'the last day that is over');
SELECT matches(t.raised($$SELECT kpi.make_report('daily', (now() AT TIME ZONE 'UTC')::date)$$), '^22023 \d{4}-\d\d-\d\d is not over yet.*The last day that is over is', 'today is not over');
SELECT is((SELECT count(*) FROM t.lines((SELECT id FROM kpi.make_report('daily', '1999-12-31'))) l), 32::bigint, 'days before all data are days too');

-- Arguments
SELECT matches(t.raised($$SELECT kpi.make_report('hourly')$$), '^22023 there is no report "hourly".*daily, weekly, monthly', 'an unknown kind');
SELECT matches(t.raised($$SELECT kpi.make_report('daily', format => 'pdf')$$), '^22023 a report cannot be written as "pdf"', 'an unknown format');
SELECT matches(t.raised($$SELECT kpi.make_report('daily', language => 'fr')$$), '^22023', 'an unknown language');
SELECT matches(t.raised($$SELECT kpi.make_report(NULL)$$), '^22004 argument "kind" must not be null', 'no kind');
SELECT isnt((SELECT kpi.report_content(id) FROM kpi.make_report('daily', '2026-04-05', 'text', 'es')), NULL, 'of a report that the same statement makes');
SELECT matches(t.raised($$SELECT kpi.report_content(NULL)$$), '^22004 argument "id" must not be null', 'no id');
SELECT matches(t.raised($$SELECT kpi.report_content(0)$$), '^42704 there is no report 0', 'an unknown id');

-- Rights
SELECT id AS mine FROM kpi.report ORDER BY id LIMIT 1 \gset
SET ROLE p_other;
SELECT is_empty('SELECT 1 FROM kpi.report', 'a stranger sees no report');
SELECT matches(t.raised(format('SELECT kpi.report_content(%s)', :mine)), '^42501 report \d+ belongs to another role', 'nor its bytes');
SELECT matches(t.raised($$SELECT kpi.make_report('daily', '2026-04-05')$$), '^55000 there is no metric that you may read', 'and makes none of numbers that he may not read');
SELECT matches(t.raised('DELETE FROM kpi.report'), '^42501', 'nobody writes the table');
SET ROLE p_reader;
SELECT matches(t.raised(format('SELECT kpi.report_content(%s)', :mine)), '^42501', 'kpi_reader reads no contents');
SET ROLE p_operator;
SELECT isnt(kpi.report_content(:mine), NULL, 'kpi_operator does');

-- Retention
RESET ROLE;
UPDATE kpi.report SET made_at = now() - interval '401 days' WHERE id = :mine;
CALL kpi.work();
SELECT is_empty(format('SELECT 1 FROM kpi.report WHERE id = %s', :mine), 'an old report is forgotten');
SELECT isnt_empty('SELECT 1 FROM kpi.report', 'a young one is not');

-- Weekly and monthly: whole periods only, and every number that of kpi.query.
SET ROLE p_owner;
SELECT is((SELECT period FROM kpi.make_report('weekly', '2026-04-05')), '[2026-03-30,2026-04-06)'::daterange, 'seven days');
SELECT results_eq($$SELECT period, object_key FROM kpi.make_report('monthly', '2026-04-05', 'json') UNION ALL SELECT period, object_key FROM kpi.make_report('monthly', '2026-03-31', 'text', 'es')$$,
    $$VALUES ('[2026-03-01,2026-04-01)'::daterange, 'reports/monthly/2026-03-31/kpi_monthly_2026-03-31.json'), ('[2026-03-01,2026-04-01)', 'reports/monthly/2026-03-31/kpi_monthly_2026-03-31.es.txt')$$, 'the last month that was over');
SELECT is((SELECT checksum FROM kpi.make_report(kind, '2026-04-05', format, language)), (SELECT checksum FROM kpi.make_report(kind, '2026-04-05', format, language)), concat_ws(' ', kind, format, language, 'twice'))
  FROM unnest('{daily,weekly,monthly}'::text[]) kind, unnest('{csv,text,json,html,xlsx}'::text[]) format, unnest('{en,es}'::text[]) language;
SELECT is((SELECT max(version) FROM kpi.report WHERE kind <> 'daily'), 1, 'each has one version');
CREATE FUNCTION t.json(report bigint) RETURNS jsonb LANGUAGE sql AS 'SELECT convert_from(kpi.report_content(report), $$UTF8$$)::jsonb';
CREATE FUNCTION t.figures(kind text) RETURNS TABLE (metric text, value numeric) LANGUAGE sql AS $$
    SELECT f->>'metric', (f->>'value')::numeric FROM jsonb_array_elements(t.json((SELECT id FROM kpi.make_report(kind, '2026-04-05', 'json')))->'figures') f $$;
SELECT set_eq(format('SELECT * FROM t.figures(%L)', kind), format($$SELECT metric, round(value, 10) FROM kpi.query(NULL, %L, %L, grain => 'total')$$, first, last), kind || ': the figures are those of kpi.query')
  FROM (VALUES ('daily', '2026-04-05', '2026-04-05'), ('weekly', '2026-03-30', '2026-04-05'), ('monthly', '2026-03-01', '2026-03-31')) k(kind, first, last);
SELECT matches(convert_from(kpi.report_content((SELECT id FROM kpi.make_report('monthly', '2026-04-05', 'text', 'es'))), 'UTF8'), 'Informe mensual', 'Spanish');

-- Reports of one's own
RESET ROLE; SELECT set_config('kpi.allowed_hosts', 'hooks.example', false) \gset
SET ROLE p_owner;
SELECT kpi.add_sink('people', 'webhook', 'https://hooks.example/x'), kpi.add_sink('gate', 'pushgateway', 'https://hooks.example') \gset
SELECT lives_ok($$SELECT kpi.add_report('mexico', 'weekly', '{people}', '{json,csv}', 'es', '{"metrics": ["revenue", "leads"], "filters": {"country": "MX"}, "by": ["source"], "top": 2}')$$, 'a report of some metrics and filters');
SELECT is((SELECT object_key FROM kpi.make_report('mexico', '2026-04-05')), 'reports/mexico/2026-04-05/kpi_mexico_2026-04-05.es.json', 'has its name, its first format and its language');
SELECT is((SELECT l FROM t.lines((SELECT id FROM kpi.make_report('mexico', '2026-04-05', 'csv'))) l LIMIT 1), 'day,revenue,leads', 'and its columns');
SELECT matches(t.raised($$SELECT kpi.add_report('mexico', 'daily', '{}')$$), '^42710', 'a name that is taken');
SELECT matches(t.raised($$SELECT kpi.add_report('daily', 'daily', '{}')$$), '^22023 "daily" cannot be the name of a report', 'a name that is reserved');
SELECT matches(t.raised($$SELECT kpi.add_report('x', 'daily', '{peopel}')$$), '^42704 there is no sink "peopel".*Did you mean "people"', 'an unknown sink');
SELECT matches(t.raised($$SELECT kpi.add_report('x', 'daily', '{}', options => '{"metrics": ["revenu"]}')$$), '^42704', 'an unknown metric');
SELECT matches(t.raised($$SELECT kpi.add_report('x', 'daily', '{}', options => '{"filters": {"contry": "MX"}}')$$), '^22023', 'an unknown dimension');
SELECT matches(t.raised($$SELECT kpi.add_report('x', 'daily', '{}', options => '{"colour": "red"}')$$), '^22023 a report has no option "colour"', 'an unknown option');
SET ROLE p_other;
SELECT matches(t.raised($$SELECT kpi.drop_report('mexico')$$), '^42501', 'a stranger drops it not');
SELECT matches(t.raised($$SELECT kpi.make_report('mexico')$$), '^42501', 'nor makes it');
SELECT is_empty('SELECT 1 FROM kpi.report_plan', 'nor sees it');
SET ROLE p_owner;

-- Sending: once, by reference.
SELECT kpi.send_report('mexico', '2026-04-05') AS sent \gset
SELECT is((SELECT state || cardinality(uploads) FROM kpi.announcement WHERE id = :sent), 'uploading0', 'nothing to upload');
CALL kpi.work();
SELECT is((SELECT state FROM kpi.announcement WHERE id = :sent), 'announcing', 'so people are told');
SELECT results_eq(format($$SELECT message->>'kind', (message->>'report')::bigint, message->>'text' ~ 'mexico' FROM kpi.outbox WHERE id = ANY ((SELECT messages FROM kpi.announcement WHERE id = %s)::bigint[])$$, :sent),
    $$SELECT 'mexico', id, true FROM kpi.report WHERE kind = 'mexico' AND format = 'json'$$, 'of the report and its figures');
SELECT kpi.send_report('mexico', '2026-04-05') AS again \gset
CALL kpi.work();
SELECT is((SELECT messages FROM kpi.announcement WHERE id = :again), (SELECT messages FROM kpi.announcement WHERE id = :sent), 'the same version is told once');
SELECT kpi.notify_report('people', (SELECT id FROM kpi.report WHERE kind = 'mexico' AND format = 'json')) AS carried \gset
SELECT results_eq(format('SELECT o.content, o.object_key, o.content_type, o.report FROM kpi.outbox o WHERE id = %s', :carried),
    $$SELECT NULL::bytea, object_key, content_type, id FROM kpi.report WHERE kind = 'mexico' AND format = 'json'$$, 'a message refers to its report and holds no copy');
RESET ROLE;
SELECT matches(t.raised($$DELETE FROM kpi.report WHERE kind = 'mexico' AND format = 'json'$$), '^23503', 'which cannot go before the message');
UPDATE kpi.report SET made_at = now() - interval '401 days';
CALL kpi.work();
SELECT is((SELECT string_agg(kind || ' ' || format, ', ') FROM kpi.report), 'mexico json', 'nor does retention take it');
SET ROLE p_owner;
SELECT matches(t.raised($$SELECT kpi.send_report('daily', '2026-04-05')$$), '^22023 a report is sent to a sink', 'to nobody');
SELECT matches(t.raised($$SELECT kpi.send_report('daily', '2026-04-05', '{gate}')$$), '^22023 sink "gate" is of kind pushgateway, which takes no reports.*kpi.publish', 'gauges are published');
SELECT matches(t.raised($$SELECT kpi.send_report('daily', '2026-04-05', '{gone}')$$), '^42704 there is no sink "gone"', 'to a sink that is not there');
SET ROLE p_other;
SELECT matches(t.raised(format('SELECT kpi.notify_report(%L, %s)', 'people', (SELECT 1))), '^42501', 'a stranger uses no sink of somebody else''s');

-- The job's function: one that fails stops no other.
SET ROLE p_owner;
SELECT lives_ok($$SELECT kpi.alter_report('mexico', options => '{"by": null, "top": null}', formats => '{text}')$$, 'an option goes back to its default');
SELECT is((SELECT options FROM kpi.report_plan), '{"metrics": ["revenue", "leads"], "filters": {"country": "MX"}}', 'so it does');
SELECT kpi.add_report('broken', 'weekly', '{}') \gset
RESET ROLE;
UPDATE kpi.report_plan SET options = '{"metrics": ["nothing"]}' WHERE name = 'broken';
SET ROLE p_owner;
SELECT is(kpi.run_reports('weekly'), 2::bigint, 'the weekly report and one of two plans');
SELECT is((SELECT concat_ws(' ', fingerprint, state, title) FROM kpi.incident WHERE kind = 'run'), 'report:broken firing report broken failed: 42704: metric "nothing" does not exist', 'the other is an incident');
SELECT kpi.alter_report('broken', options => '{"metrics": ["leads"]}') \gset
SELECT is(kpi.run_reports('weekly'), 3::bigint, 'mended');
SELECT is((SELECT state FROM kpi.incident WHERE fingerprint = 'report:broken'), 'resolved', 'which closes it');
SELECT lives_ok($$SELECT kpi.alter_report('broken', enabled => false), kpi.drop_report('mexico')$$, 'switched off; dropped');
SELECT is(kpi.run_reports('weekly'), 1::bigint, 'neither runs');
SELECT kpi.drop_report('broken') \gset

-- Without the pack: every metric that may be read. A day that a window has not covered is not over.
SELECT kpi.uninstall_sales();
SELECT matches(t.raised($$SELECT kpi.make_report('daily')$$), '^55000 there is no metric that you may read', 'nothing to report');
CREATE TABLE public.sale (at timestamptz, "amount, net" numeric);
CREATE VIEW public.sale_facts AS SELECT at, "amount, net", 1 AS "=sales" FROM public.sale;
INSERT INTO public.sale VALUES ('2026-04-01 01:00Z', 3.10);
SELECT kpi.track('public.sale_facts', 'at', capture => 'window', timezone => 'UTC', build => 'now') \gset
SELECT is((SELECT l FROM t.lines((SELECT id FROM kpi.make_report('daily', '2026-04-05'))) l LIMIT 1), $$day,"'=sales","amount, net"$$, 'names that a spreadsheet would take for a formula are not');
RESET ROLE;
UPDATE kpi.source_state SET computed_at = date_trunc('day', now(), 'UTC') - interval '1 minute';
SET ROLE p_owner;
SELECT is((SELECT upper(period) - 1 FROM kpi.make_report('daily')), (now() AT TIME ZONE 'UTC')::date - 2, 'the last day that its numbers cover whole');
SELECT matches(t.raised($$SELECT kpi.make_report('daily', (now() AT TIME ZONE 'UTC')::date - 1)$$), '^22023 \S+ is not over yet', 'the day after was not over when they were computed');
SELECT * FROM finish();
