-- as: superuser
-- What past days had by now is read from the sums that the worker keeps, and is the same number as the table gives, whatever happened to the past since.
SET timezone = 'UTC';
CREATE TABLE public.beat (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz, kind int, place text, amount numeric);
CREATE INDEX ON public.beat (at);
INSERT INTO public.beat (at, kind, place, amount) SELECT now() - i * interval '3 minutes', i % 3, CASE WHEN i % 5 < 4 THEN 'p' || i % 5 END, i % 7 + 0.5 FROM generate_series(0, 32000) i;
ANALYZE public.beat;

CREATE TABLE public.zone (source text, zone text);
-- Whole and half hours; clocks that were set back by an hour and by half of one on the very weekday that is looked at, and forward.
INSERT INTO public.zone SELECT source, replace(replace(zone, '<', to_char(now() - interval '80 days', 'DDD')::int - 1 || ''), '>', to_char(now() - interval '14 days', 'DDD')::int - 1 || '')
  FROM (VALUES ('utc', 'UTC'), ('kolkata', 'Asia/Kolkata'), ('back', 'KPA0KPB-1,</0,>/2'), ('half', 'KPA0KPB-0:30,</0,>/2'), ('forward', 'KPA0KPB-1,>/1,</0')) z (source, zone);
SELECT format('CREATE VIEW public.%1$s_facts AS SELECT at, kind, place, 1 AS %1$s, amount AS %1$s_sum FROM public.beat', source),
       format('SELECT kpi.track(%L, ''at'', ''{kind,place}'', name => %L, timezone => ''UTC'')', 'public.' || source || '_facts', source)
  FROM public.zone \gexec
-- kpi.track takes names only; nothing has been captured or built yet.
UPDATE kpi.source s SET timezone = z.zone FROM public.zone z WHERE z.source = s.name;

CREATE FUNCTION public.median(numeric[]) RETURNS numeric LANGUAGE sql AS
$$SELECT (percentile_disc(0.5) WITHIN GROUP (ORDER BY n) + percentile_disc(0.5) WITHIN GROUP (ORDER BY n DESC)) / 2 FROM unnest($1) n$$;
-- What the same weekdays had by as_of, from the last one backwards: by PostgreSQL's own calendar.
CREATE FUNCTION public.past(zone text, as_of timestamptz, grain text, kind int, place text, segmented boolean) RETURNS numeric[] LANGUAGE sql AS $$
SELECT array_agg(n ORDER BY w) FROM (
    SELECT w, (SELECT coalesce(sum(amount), 0) FROM public.beat b
             WHERE at >= (date_trunc($3, $2 AT TIME ZONE $1) - w * interval '7 days') AT TIME ZONE $1 AND at < (($2 AT TIME ZONE $1) - w * interval '7 days') AT TIME ZONE $1
               AND ($4 IS NULL OR b.kind = $4) AND (NOT $6 OR b.place IS NOT DISTINCT FROM $5)) AS n
      FROM generate_series(1, 8) w) p
$$;
-- A median of eight hides what one of them has wrong: last week stands by itself too.
CREATE VIEW public.expectation AS
SELECT z.source, c.grain, q.segment, q.expected_so_far, coalesce(q.compared, 0) AS compared, public.past(z.zone, q.as_of, c.grain, (q.segment ->> 'kind')::int, q.segment ->> 'place', c.by @> '{place}') AS past
  FROM public.zone z CROSS JOIN (VALUES ('day', 'today', '{}'::name[]), ('day', 'today', '{kind}'), ('day', 'today', '{kind,place}'), ('week', '1w', '{}')) c (grain, start, by)
 CROSS JOIN LATERAL kpi.query(ARRAY[z.source || '_sum'], c.start, grain => c.grain, by => c.by, compare => CASE c.grain WHEN 'day' THEN 'week' ELSE 'previous' END) q;
CREATE FUNCTION public.wrong() RETURNS bigint LANGUAGE sql AS
'SELECT count(*) FROM public.expectation WHERE expected_so_far IS DISTINCT FROM public.median(past) OR compared IS DISTINCT FROM past[1]';
-- Days with kept sums.
CREATE FUNCTION public.kept(source text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE format('SELECT count(DISTINCT day) FROM kpi_data.%I', source || '_so_far') INTO n;
    RETURN n;
END $$;
-- Of the first ten minutes of a day nothing is kept.
CREATE FUNCTION public.of(source text, days int) RETURNS bigint LANGUAGE sql AS
$$SELECT CASE WHEN to_timestamp(floor(extract(epoch FROM now()) / 600) * 600) > date_trunc('day', now() AT TIME ZONE z.zone) AT TIME ZONE z.zone THEN days ELSE 0 END FROM public.zone z WHERE z.source = $1$$;
CREATE FUNCTION public.is_kept(days int) RETURNS boolean LANGUAGE sql AS 'SELECT bool_and(public.kept(source) = public.of(source, days)) FROM public.zone';

SELECT plan(33);
CALL kpi.work();
CALL kpi.work();
SELECT cmp_ok((SELECT count(*) FROM public.expectation WHERE expected_so_far > 0)::int, '>', 50, 'there is something to compare');
SELECT ok(public.is_kept(8), 'eight past days are kept') FROM (SELECT 1) x;
SELECT is(public.wrong(), 0::bigint, 'as the table says');
-- By another worker's turn.
CALL kpi.work();
SELECT is(public.wrong(), 0::bigint, 'sums that were there already');

-- They are what is read: whoever damages them sees it, and a rebuild mends it.
SELECT max(expected_so_far) AS was FROM kpi.query('{kolkata_sum}', 'today') \gset
UPDATE kpi_data.kolkata_so_far SET m2 = m2 + 100000;
SELECT ok((SELECT max(expected_so_far) FROM kpi.query('{kolkata_sum}', 'today')) > CASE WHEN public.of('kolkata', 1) = 1 THEN 50000 ELSE :was - 1 END, 'kept sums are read');
SELECT kpi.rebuild('kolkata') \g /dev/null
SELECT is(public.kept('kolkata'), 0::bigint, 'a rebuild takes them away');
SELECT is(public.wrong(), 0::bigint, 'and answers without');
CALL kpi.work();
SELECT ok(public.is_kept(8), 'they come back');

-- Every change of the past: seen by its own transaction, as a delta, and after the merge, which takes the sums of its day away.
CREATE PROCEDURE public.change(what text) LANGUAGE plpgsql AS $$
DECLARE last CONSTANT timestamptz := now() - interval '7 days 25 minutes'; moment CONSTANT timestamptz := last - interval '7 days';
BEGIN
    CASE what
        WHEN 'insert' THEN INSERT INTO public.beat (at, kind, place, amount) SELECT last - i * interval '1 minute', 1, 'p1', 1000 FROM generate_series(0, 5) i;
        -- Within their hour: no sum of an hour changes.
        WHEN 'move' THEN UPDATE public.beat SET at = date_trunc('hour', at) + interval '59 minutes 59.9 seconds' WHERE at BETWEEN last - interval '3 hours' AND last + interval '20 minutes';
        WHEN 'swap' THEN UPDATE public.beat b SET amount = o.amount FROM public.beat o
                          WHERE b.at BETWEEN now() - interval '21 days 50 minutes' AND now() - interval '21 days' AND o.at BETWEEN now() - interval '21 days 50 minutes' AND now() - interval '21 days'
                            AND b.kind = o.kind AND b.place IS NOT DISTINCT FROM o.place AND b.id <> o.id;
        WHEN 'replace' THEN WITH gone AS (DELETE FROM public.beat WHERE at BETWEEN now() - interval '28 days 30 minutes' AND now() - interval '28 days' RETURNING *)
                            INSERT INTO public.beat (at, kind, place, amount) SELECT date_trunc('hour', at) + interval '1 second', kind, place, amount FROM gone;
        WHEN 'delete' THEN DELETE FROM public.beat WHERE at BETWEEN moment - interval '40 minutes' AND moment + interval '20 minutes';
        WHEN 'other day' THEN UPDATE public.beat SET at = at - interval '7 days' WHERE at BETWEEN moment - interval '2 hours' AND moment;
    END CASE;
END $$;
\set what insert
\ir ../tools/kept_change.sql
\set what move
\ir ../tools/kept_change.sql
\set what swap
\ir ../tools/kept_change.sql
\set what replace
\ir ../tools/kept_change.sql
\set what delete
\ir ../tools/kept_change.sql
\set what 'other day'
\ir ../tools/kept_change.sql

-- The base table emptied and filled again, minutes apart: nothing of an hour has changed.
CREATE TABLE public.copy AS SELECT * FROM public.beat;
TRUNCATE public.beat;
INSERT INTO public.beat (at, kind, place, amount) SELECT date_trunc('hour', at) + interval '30 seconds', kind, place, amount FROM public.copy;
SELECT is(public.wrong(), 0::bigint, 'TRUNCATE');
CALL kpi.work();
SELECT is(public.wrong(), 0::bigint, 'repaired');
CALL kpi.work();
SELECT ok(public.is_kept(8), 'kept again');
SELECT is(public.wrong(), 0::bigint, 'and right');
SELECT is_empty('SELECT FROM public.zone z CROSS JOIN LATERAL kpi.verify(z.source) v', 'nothing differs');

-- Today's writers write no row of zeros.
CALL kpi.work();
BEGIN;
INSERT INTO public.beat (at, kind, amount) VALUES (now(), 1, 5);
DELETE FROM public.beat WHERE at = now();
COMMIT;
SELECT is((SELECT count(*) FROM kpi_data.utc_delta), 0::bigint, 'a change of today that cancels leaves no delta');
-- Frozen days have no facts to go on from.
UPDATE kpi.source SET frozen_before = current_date - 20;
SELECT lives_ok('SELECT * FROM kpi.query(''{utc_sum}'', ''today'')', 'frozen days');
SELECT finish();
