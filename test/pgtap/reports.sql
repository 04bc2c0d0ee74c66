-- as: superuser
-- Reports as values: the daily CSV, its bytes, versions and rights, by an owner who is no superuser.
\ir ../tools/report_shop.sql
SELECT * FROM no_plan();

SELECT * FROM kpi.make_report('daily', '2026-04-05') \gset made_
SELECT is(ROW(:'made_kind', :'made_format', :'made_language', :'made_version', :'made_period')::text, '(daily,csv,en,1,"[2026-03-07,2026-04-06)")', 'thirty days up to as_of, version 1');
SELECT is(:'made_object_key'::text, 'reports/daily/2026-04-05/kpi_daily_2026-04-05.csv', 'the key of the old stack');
SELECT is(:'made_content_type'::text, 'text/csv; charset=utf-8', 'its type');
SELECT is((SELECT restates FROM kpi.report), NULL, 'it restates nothing');
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
SELECT l AS line FROM t.lines(:made_id) l WHERE l ~ '^2026-04-01' \gset first_
INSERT INTO public.payments VALUES ('2026-04-01 10:00Z', 'MX', 'google', 'paid', 7.123456);
SELECT * FROM kpi.make_report('daily', '2026-04-05') \gset second_
SELECT is(ROW(:'second_version', :'second_restates', :'second_object_key')::text, ROW('2', :'made_id', :'made_object_key')::text, 'other numbers: a new version under the same key, that says what it restates');
SELECT isnt(:'second_checksum'::text, :'made_checksum'::text, 'with other bytes');
SELECT is((SELECT l FROM t.lines(:made_id) l WHERE l ~ '^2026-04-01'), :'first_line', 'the first version is kept');
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
SET kpi.report_retention = 402;
CALL kpi.work();
SELECT isnt_empty(format('SELECT 1 FROM kpi.report WHERE id = %s', :mine), 'kpi.report_retention says how long they are kept');
RESET kpi.report_retention;
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
-- What a usual period is: a part of what adds up, the whole of a ratio (a day alone is always the sum of its days).
CREATE FUNCTION t.usual(kind text, place integer) RETURNS TABLE (metric text, value numeric) LANGUAGE sql AS $$
    SELECT f->>'metric', round((f->'comparisons'->place->>'before')::numeric, 8) FROM jsonb_array_elements(t.json((SELECT id FROM kpi.make_report(kind, '2026-04-05', 'json')))->'figures') f $$;
SELECT set_eq(format('SELECT * FROM t.usual(%L, %s)', kind, place), format($$
    SELECT q.metric, round(q.value / CASE WHEN m.measure IS NULL THEN 1 ELSE %s END, 8) FROM kpi.query(NULL, %L, %L, grain => 'total') q JOIN kpi.metric m ON m.name = q.metric$$, parts, first, last), kind || ': against a usual period')
  FROM (VALUES ('daily', 1, 28, '2026-03-08', '2026-04-04'), ('weekly', 0, 4, '2026-03-02', '2026-03-29')) k(kind, place, parts, first, last);

-- A year of days: forwards, and backwards after all rows are gone, elsewhere and with another style.
CREATE TABLE t.year AS SELECT d, r.checksum FROM generate_series(date '2025-05-01', '2026-04-30', interval '1 day') d, kpi.make_report('daily', d::date) r;
RESET ROLE;
DELETE FROM kpi.report;
SET ROLE p_owner; SET timezone = 'Pacific/Auckland'; SET datestyle = 'German';
SELECT is((SELECT count(*) FROM t.year), 365::bigint, 'a report a day');
SELECT is_empty($$SELECT y.d FROM (SELECT * FROM t.year ORDER BY d DESC) y, kpi.make_report('daily', y.d::date) r WHERE r.checksum <> y.checksum OR r.version <> 1$$, 'a year replayed: no byte differs');
RESET datestyle;

SELECT * FROM finish();
