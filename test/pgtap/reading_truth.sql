-- as: superuser
-- Every number of kpi.query, kpi.value and the typed views against the facts view added up by hand: in zones with 23 and 25
-- hour days, half-hour shifts and half-hour offsets; merged, not merged, and not even flushed; built and being built.
CREATE TABLE public.event (at timestamptz, place text, kind int, price numeric);
CREATE VIEW public.event_facts AS
SELECT at, place, kind, 1 AS events, price AS worth, (kind = 1)::int AS firsts FROM public.event;

-- Around the shifts of the year: every 23 minutes, so that no hour is like another.
CREATE FUNCTION public.fill(first timestamptz, days int) RETURNS void LANGUAGE sql AS $$
INSERT INTO public.event
SELECT first + i * interval '23 min', (ARRAY['MX', 'ES', NULL])[1 + i % 3], i % 4, (i % 97) + (i % 7) * 0.125
  FROM generate_series(0, days * 24 * 60 / 23) i
$$;

-- The bucket of an event, worked out another way: from its own wall clock.
CREATE FUNCTION public.bucket_day(at timestamptz, grain text, zone text) RETURNS date LANGUAGE sql AS $$
SELECT CASE grain WHEN 'total' THEN NULL WHEN 'day' THEN (at AT TIME ZONE zone)::date WHEN 'hour' THEN (at AT TIME ZONE zone)::date
       ELSE date_trunc(grain, at AT TIME ZONE zone)::date END
$$;
CREATE FUNCTION public.bucket_hour(at timestamptz, zone text) RETURNS timestamptz LANGUAGE sql AS $$
SELECT at - ((at AT TIME ZONE zone) - date_trunc('hour', at AT TIME ZONE zone))
$$;

-- Rows in which kpi.query and the facts differ, for one grain and all segments of `by`.
CREATE FUNCTION public.differences(start_day date, end_day date, grain text, zone text, by name[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH truth AS (
        SELECT bucket_day(at, $3, $4) AS day, CASE WHEN $3 = 'hour' THEN bucket_hour(at, $4) END AS hour,
               CASE WHEN 'place' = ANY ($5) THEN jsonb_build_object('place', place) ELSE '{}' END ||
               CASE WHEN 'kind' = ANY ($5) THEN jsonb_build_object('kind', kind) ELSE '{}' END AS segment,
               sum(events)::numeric AS events, sum(worth) AS worth, round(100.0 * sum(firsts) / sum(events), 10) AS share
          FROM event_facts WHERE (at AT TIME ZONE $4)::date BETWEEN $1 AND $2 GROUP BY 1, 2, 3
    ), answer AS (
        SELECT CASE WHEN $3 <> 'total' THEN q.day END AS day, CASE WHEN $3 = 'hour' THEN q.bucket END AS hour, segment,
               max(value) FILTER (WHERE metric = 'events') AS events, max(value) FILTER (WHERE metric = 'worth') AS worth,
               round(max(value) FILTER (WHERE metric = 'share'), 10) AS share
          FROM kpi.query('{events,worth,share}', $1::text, $2::text, by => $5, grain => $3, max_rows => NULL) q GROUP BY 1, 2, 3
    ), filled AS (SELECT * FROM answer WHERE events <> 0)
    (SELECT 'wrong ' || row(filled.*)::text FROM (TABLE filled EXCEPT TABLE truth) filled)
    UNION ALL (SELECT 'missing ' || row(truth.*)::text FROM (TABLE truth EXCEPT TABLE filled) truth)
    UNION ALL (SELECT 'not filled ' || row(a.*)::text FROM answer a WHERE events = 0 AND (worth <> 0 OR share IS NOT NULL))
    LIMIT 5;
END $$;

-- All grains and segment sets that differ.
CREATE FUNCTION public.all_differences(start_day date, end_day date, zone text) RETURNS SETOF text LANGUAGE sql AS $$
SELECT g || ' by ' || b || ': ' || d
  FROM unnest('{hour,day,week,month,quarter,year,total}'::text[]) g,
       unnest(ARRAY['{}', '{place}', '{kind}', '{place,kind}']) b, public.differences($1, $2, g, $3, b::name[]) d
$$;

-- Tracks, and leaves some of the rows in every state.
CREATE FUNCTION public.set_up(zone text, first timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE public.event;
    PERFORM public.fill(first, 20);
    PERFORM kpi.track('public.event_facts', 'at', '{place,kind}', name => 'event', timezone => zone, hour_retention => '100 years');
    PERFORM kpi.define('share', '100.0 * firsts / events', '%');
END $$;

SELECT plan(24);

SELECT public.set_up('America/Sao_Paulo', '2018-02-08 02:10+00');
SELECT is_empty($$SELECT * FROM public.all_differences('2018-02-01', '2018-03-05', 'America/Sao_Paulo')$$,
    'being built: everything from the facts view');
SELECT kpi.rebuild('event');
SELECT is((SELECT count(*)::int FROM kpi.dirty), 0, 'built');
SELECT is_empty($$SELECT * FROM public.all_differences('2018-02-01', '2018-03-05', 'America/Sao_Paulo')$$,
    'Sao Paulo, the clock goes back at midnight: from the rollups');
SELECT is((SELECT count(*)::int FROM kpi.query('{events}', '2018-02-17', '2018-02-17', grain => 'hour')), 25, 'a day of 25 hours has 25');
SELECT public.fill('2018-10-28 10:00+00', 12);
SELECT is_empty($$SELECT * FROM public.all_differences('2018-10-20', '2018-11-20', 'America/Sao_Paulo')$$,
    'Sao Paulo, midnight is skipped: from unmerged deltas');
SELECT is((SELECT bucket FROM kpi.query('{events}', '2018-11-04', '2018-11-04')), '2018-11-04 03:00+00'::timestamptz,
    'a day without midnight begins where the clock jumps');
SELECT is((SELECT count(*)::int FROM kpi.query('{events}', '2018-11-04', '2018-11-04', grain => 'hour')), 23, 'and has 23 hours');

BEGIN;
UPDATE public.event SET place = 'FR', price = price * 2 WHERE kind = 2 AND at < '2018-02-12';
DELETE FROM public.event WHERE kind = 3 AND at > '2018-11-01';
INSERT INTO public.event VALUES ('2018-02-10 12:00+00', 'DE', 9, 'NaN'), ('2018-02-11 12:00+00', 'DE', 9, 'Infinity');
SELECT coalesce(string_agg(d, E'\n'), '') AS own FROM public.all_differences('2018-02-01', '2018-12-05', 'America/Sao_Paulo') d \gset
SELECT count(*) AS own_daily FROM (
    (SELECT day, place, kind, events, worth FROM kpi_data.event_daily
     EXCEPT SELECT (at AT TIME ZONE 'America/Sao_Paulo')::date, place, kind, sum(events), sum(worth) FROM public.event_facts GROUP BY 1, 2, 3)
    UNION ALL
    (SELECT (at AT TIME ZONE 'America/Sao_Paulo')::date, place, kind, sum(events), sum(worth) FROM public.event_facts GROUP BY 1, 2, 3
     EXCEPT SELECT day, place, kind, events, worth FROM kpi_data.event_daily)) d \gset
SELECT count(*) AS own_hourly FROM (
    (SELECT hour, place, kind, row_count, firsts FROM kpi_data.event_hourly
     EXCEPT SELECT public.bucket_hour(at, 'America/Sao_Paulo'), place, kind, count(*), sum(firsts) FROM public.event_facts GROUP BY 1, 2, 3)
    UNION ALL
    (SELECT public.bucket_hour(at, 'America/Sao_Paulo'), place, kind, count(*), sum(firsts) FROM public.event_facts GROUP BY 1, 2, 3
     EXCEPT SELECT hour, place, kind, row_count, firsts FROM kpi_data.event_hourly)) d \gset
ROLLBACK;
SELECT is(:'own'::text, '', 'own changes that are not flushed yet, NaN and Infinity too');
SELECT is(:own_daily, 0, 'the daily typed view sees them');
SELECT is(:own_hourly, 0, 'and the hourly one');
SELECT kpi.merge('event') > 0 AS merged;
SELECT is_empty($$SELECT * FROM public.all_differences('2018-02-01', '2018-12-05', 'America/Sao_Paulo')$$, 'rolled back and merged');

-- Groups exist because rows do.
DELETE FROM public.event WHERE place = 'MX' AND kind = 1;
SELECT is_empty($$SELECT * FROM kpi.query('{events}', '2018-02-01', '2018-12-05', by => '{place,kind}', grain => 'total')
                   WHERE segment = '{"place": "MX", "kind": 1}'$$, 'a segment whose last row went is not seen');
SELECT is_empty($$SELECT * FROM kpi_data.event_daily WHERE place = 'MX' AND kind = 1$$, 'nor in the typed view');

SELECT kpi.undefine('share');
SELECT kpi.untrack('event');
SELECT public.set_up('Australia/Lord_Howe', '2026-03-26 05:00+00');
SELECT is_empty($$SELECT * FROM public.all_differences('2026-03-20', '2026-04-20', 'Australia/Lord_Howe')$$, 'Lord Howe, being built');
SELECT kpi.rebuild('event');
SELECT public.fill('2026-09-25 00:00+00', 15);
SELECT is_empty($$SELECT * FROM public.all_differences('2026-03-20', '2026-10-20', 'Australia/Lord_Howe')$$,
    'Lord Howe, half-hour shifts: rollups and deltas');

SELECT kpi.undefine('share');
SELECT kpi.untrack('event');
SELECT public.set_up('Asia/Kolkata', '2020-12-20 05:00+00');
SELECT kpi.rebuild('event');
SELECT is_empty($$SELECT * FROM public.all_differences('2020-12-01', '2021-01-31', 'Asia/Kolkata')$$, 'Kolkata, half-hour offset, over ISO week 53');

-- Ranges with a time of day are exact to the hour.
SELECT is((SELECT value FROM kpi.query('{events}', '2020-12-22T07:00', '2020-12-25T19:00', grain => 'total')),
    (SELECT count(*)::numeric FROM public.event WHERE at AT TIME ZONE 'Asia/Kolkata' >= '2020-12-22 07:00'
        AND at AT TIME ZONE 'Asia/Kolkata' < '2020-12-25 19:00'), 'a total from one hour to another');
SELECT is((SELECT sum(value) FROM kpi.query('{events}', '2020-12-22T07:00', '2020-12-25T19:00')),
    (SELECT count(*)::numeric FROM public.event WHERE at AT TIME ZONE 'Asia/Kolkata' >= '2020-12-22 07:00'
        AND at AT TIME ZONE 'Asia/Kolkata' < '2020-12-25 19:00'), 'by day the same');

-- Hours that the rollup no longer has come from the facts view.
UPDATE kpi.source SET hours_from = '2020-12-28';
DELETE FROM kpi_data.event_rollup_hour WHERE day < '2020-12-28';
SELECT is_empty($$SELECT * FROM public.all_differences('2020-12-01', '2021-01-31', 'Asia/Kolkata')$$, 'expired hours');
INSERT INTO kpi.dirty VALUES ('event', '2020-12-24', '2020-12-30', 'test');
UPDATE kpi_data.event_rollup_day SET m1 = m1 + 1 WHERE day BETWEEN '2020-12-24' AND '2020-12-29';
SELECT is_empty($$SELECT * FROM public.all_differences('2020-12-01', '2021-01-31', 'Asia/Kolkata')$$,
    'dirty days come from the facts view, the others do not');
SELECT is_empty($$SELECT day FROM kpi_data.event_daily GROUP BY day HAVING sum(events) <> sum(row_count)$$, 'in the typed view too');

-- kpi.value
SELECT is(kpi.value('events', '2020-12-25 20:00+00', '{"place": "MX"}', 'month'),
    (SELECT count(*)::numeric FROM public.event WHERE place = 'MX' AND at AT TIME ZONE 'Asia/Kolkata' >= '2020-12-01'
        AND at AT TIME ZONE 'Asia/Kolkata' < '2021-01-01'), 'kpi.value of a month and a segment');
SELECT is(kpi.value('events', '2020-12-25 19:10+00', '{"place": null}', 'hour'),
    (SELECT count(*)::numeric FROM public.event WHERE place IS NULL
        AND public.bucket_hour(at, 'Asia/Kolkata') = public.bucket_hour('2020-12-25 19:10+00', 'Asia/Kolkata')), 'of an hour and NULL');
SELECT is(kpi.value('share', '1999-01-01'), NULL, 'a ratio without rows is NULL');
SELECT finish();
