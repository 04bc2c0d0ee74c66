-- as: superuser
-- Percentiles (aggregates => in kpi.track) against percentile_disc() of the facts view, within their error: before and after merge,
-- repair, rebuild and freeze, in own transactions and savepoints; shares below a limit, which are exact between buckets.
\ir ../tools/exact.sql
CREATE TABLE public.flight (id int PRIMARY KEY, at timestamptz, airport text, kind int, delay numeric(9, 2), distance float8);
CREATE VIEW public.flight_facts AS SELECT at, airport, kind, 1 AS flights, delay AS late, distance FROM public.flight;
INSERT INTO public.flight SELECT i, '2025-12-31 20:00Z'::timestamptz + i * interval '67 min', (ARRAY['MAD', 'MEX', 'LIM', NULL])[1 + i * i % 4], i % 3,
    CASE WHEN i % 11 > 0 THEN (i * 37 % 401) / 2.0 - 40 END, exp(i * 13 % 101 / 10.0) FROM generate_series(0, 2200) i;
SET timezone = 'UTC';

SELECT plan(49);
SELECT kpi.track('public.flight_facts', 'at', '{airport,kind}', name => 'flight', timezone => 'Europe/Madrid', hour_retention => '100 years',
    aggregates => '{"delay": {"percentiles": "late"}, "rough": {"percentiles": "late", "error": 0.1}, "miles": {"percentiles": "distance", "error": 0.003}, "latest": {"max": "late"}}');
SELECT is((SELECT string_agg(concat_ws(' ', name, "column", kind, position, error), ', ' ORDER BY name) FROM kpi.counted WHERE source = 'flight'),
    'delay late percentiles 1 0.01, latest late max 2, miles distance percentiles 3 0.003, rough late percentiles 4 0.1', 'each error has buckets of its own');
SELECT results_eq($$SELECT name FROM kpi.measure WHERE source = 'flight' ORDER BY position$$, $$VALUES ('flights'), ('late')$$, 'a float is no sum');
SELECT kpi.define('p90', 'percentile(delay, 0.9)'), kpi.define('p10_rough', 'percentile(rough, 0.1)'), kpi.define('half', 'median(miles)'),
       kpi.define('in_time', 'share_below(delay, 15)'), kpi.define('in_hours', 'percentile(delay, 0.9) / 60'), kpi.define('spread', 'p90 - median(delay) -- no more
');

CREATE TABLE t.request (grain text, dims name[], filters jsonb, condition text, since date, until date);
INSERT INTO t.request VALUES
('hour', '{airport}', '{"kind": 1}', 'kind = 1', '2026-02-01', '2026-02-10'), ('hour', '{}', '{}', 'true', '2026-03-25', '2026-03-31'),
('day', '{}', '{}', 'true', '2026-01-01', '2026-03-31'), ('day', '{airport}', '{}', 'true', '2026-01-01', '2026-03-31'),
('day', '{kind}', '{"airport": ["MAD", null]}', $$(airport = 'MAD' OR airport IS NULL)$$, '2026-01-01', '2026-03-31'),
('week', '{airport}', '{"kind": {"not": 1}}', 'kind IS DISTINCT FROM 1', '2026-01-05', '2026-03-29'),
('month', '{kind,airport}', '{}', 'true', '2026-01-01', '2026-03-31'), ('total', '{airport}', '{}', 'true', '2026-01-03', '2026-03-30');
-- One row for each value that is further from the truth than its error, or is there on one side only.
CREATE FUNCTION t.differing() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    r t.request; wall text := $x$(at AT TIME ZONE 'Europe/Madrid')$x$; bucket text; segment text;
BEGIN
    FOR r IN SELECT * FROM t.request LOOP
        bucket := CASE r.grain WHEN 'total' THEN 'NULL::timestamptz' WHEN 'hour' THEN format($x$at - (%1$s - date_trunc('hour', %1$s))$x$, wall)
                               ELSE format($x$date_trunc(%L, %s) AT TIME ZONE 'Europe/Madrid'$x$, r.grain, wall) END;
        segment := (SELECT 'jsonb_build_object(' || coalesce(string_agg(format('%L, %I', d, d), ', '), '') || ')' FROM unnest(r.dims) d);
        RETURN QUERY EXECUTE format('WITH e AS (SELECT b, s, m, v::float8, err FROM (SELECT %1$s AS b, %2$s AS s,
                percentile_disc(0.5) WITHIN GROUP (ORDER BY late) AS med, percentile_disc(0.9) WITHIN GROUP (ORDER BY late) AS hi, percentile_disc(0.1) WITHIN GROUP (ORDER BY late) AS lo,
                percentile_disc(0.5) WITHIN GROUP (ORDER BY distance) AS half, avg((late < 15)::int) AS good, max(late) AS most
                FROM flight_facts WHERE %3$s::date BETWEEN %4$L AND %5$L AND %6$s GROUP BY 1, 2) f,
                LATERAL (VALUES (''delay'', med, 0.01), (''p90'', hi, 0.01), (''p10_rough'', lo, 0.1), (''half'', half, 0.003), (''in_time'', good, 1e-9), (''latest'', most, 0)) l(m, v, err) WHERE v IS NOT NULL),
            a AS (SELECT %7$s AS b, segment AS s, metric AS m, value::float8 AS v
                FROM kpi.query(''{delay,p90,p10_rough,half,in_time,latest}'', %4$L, %5$L, by => %8$L, filters => %9$L, grain => %10$L, max_rows => NULL, expected => false) WHERE value IS NOT NULL)
            SELECT %11$L || coalesce(e::text, ''nothing'') || '' is '' || coalesce(a::text, ''nothing'') FROM e FULL JOIN a ON a.b IS NOT DISTINCT FROM e.b AND a.s = e.s AND a.m = e.m
             WHERE NOT coalesce(abs(a.v - e.v) <= e.err * abs(e.v) * 1.0000001 + 1e-12, false)',
            bucket, segment, wall, r.since, r.until, r.condition, CASE r.grain WHEN 'total' THEN 'NULL::timestamptz' ELSE 'bucket' END,
            r.dims, r.filters, r.grain, r.grain || r.dims::text || r.filters::text || ' ');
    END LOOP;
END $$;
CREATE FUNCTION t.percentiles(what text) RETURNS text LANGUAGE sql AS $$ SELECT t.report(ARRAY(SELECT t.differing()), what) $$;

SELECT t.percentiles('not built yet: from the facts view');
SELECT kpi.rebuild('flight');
SELECT t.percentiles('built');
SELECT t.exact('flight', 'built: sums and verify');
SELECT cmp_ok((SELECT count(*) FROM kpi_data.flight_rollup_day WHERE level >> 12 = 4), '<', (SELECT count(*) FROM kpi_data.flight_rollup_day WHERE level >> 12 = 1), 'a greater error keeps fewer rows');
SELECT is((SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'kpi_data.flight_delta'::regclass AND attname = 'v1'), 'integer', 'buckets are kept, not values');
SELECT is((SELECT string_agg(metric || coalesce(value::text, ' null'), ', ' ORDER BY metric) FROM kpi.query('{delay,in_hours,in_time,spread}', '2025-01-01', '2025-01-01')),
    'delay null, in_hours null, in_time null, spread null', 'there are no percentiles of nothing');

BEGIN;
INSERT INTO public.flight SELECT 5000 + i, '2026-02-10 10:00Z', 'MAD', 1, 900 + i, 1e-300 FROM generate_series(1, 20) i;
SELECT t.percentiles('own inserts');
SAVEPOINT one;
DELETE FROM public.flight WHERE delay > 100 OR kind = 2;
UPDATE public.flight SET delay = -delay WHERE id % 3 = 0;
SELECT t.percentiles('own changes behind a savepoint');
ROLLBACK TO one;
SELECT t.percentiles('rolled back to it');
UPDATE public.flight SET airport = 'LIM' WHERE id % 5 = 0;
UPDATE public.flight SET delay = NULL WHERE id % 7 = 0;
SELECT t.same('flight', 'own changes: sums and verify');
COMMIT;
SELECT t.percentiles('committed');
SELECT t.exact('flight', 'committed: sums and verify');
SELECT t.percentiles('merged and rebuilt');
-- a change within a bucket leaves no trace
SELECT kpi.merge('flight');
UPDATE public.flight SET delay = delay + 0.01 WHERE id = 5019;
SELECT is((SELECT count(*)::int FROM kpi_data.flight_delta WHERE v1 IS NOT NULL), 0, 'the same bucket');
DELETE FROM public.flight WHERE id BETWEEN 5001 AND 5020;
SELECT t.percentiles('deleted');
SELECT kpi.merge('flight');
SELECT t.percentiles('deleted and merged');
SELECT is_empty($$SELECT FROM kpi_data.flight_rollup_day WHERE level >> 12 IN (1, 2, 3, 4) AND n <= 0$$, 'nothing is left of them');

\set table flight
\set check t.percentiles
\set change 'delay = 500 + id'
\ir ../tools/counted_changes.sql

-- damage, frozen days
UPDATE kpi_data.flight_rollup_day SET n = n + 5 WHERE ctid = (SELECT min(ctid) FROM kpi_data.flight_rollup_day WHERE level >> 12 = 1 AND day = '2026-02-03');
SELECT results_eq($$SELECT grain, measure, segment ? 'late', actual - expected FROM kpi.verify('flight')$$, $$VALUES ('day', 'delay', true, 5::numeric)$$, 'verify shows the bucket that is wrong');
SELECT kpi.rebuild('flight', '2026-02-03', '2026-02-04');
SELECT is_empty($$SELECT * FROM kpi.verify('flight')$$, 'rebuild mends it');
CREATE TABLE public.january AS SELECT day, segment, metric, value FROM kpi.query('{p90,in_time}', '2026-01-01', '2026-01-31', by => '{airport}');
SELECT kpi.freeze('flight', '2026-02-01');
DELETE FROM public.flight WHERE at < '2026-01-31 23:00Z';
SELECT kpi.merge('flight');
SELECT results_eq($$SELECT day, segment, metric, value FROM kpi.query('{p90,in_time}', '2026-01-01', '2026-01-31', by => '{airport}')$$, 'TABLE public.january', 'a frozen month stays');

-- formulas: readings of one measure beside each other, through other metrics
SELECT results_eq($$SELECT round(value, 9) FROM kpi.query('{in_hours}', '2026-02-16', '2026-02-20')$$, $$SELECT round(value / 60, 9) FROM kpi.query('{p90}', '2026-02-16', '2026-02-20')$$, 'in hours');
SELECT results_eq($$SELECT value FROM kpi.query('{spread}', '2026-02-16', '2026-02-20')$$,
    $$SELECT p.value - d.value FROM kpi.query('{p90}', '2026-02-16', '2026-02-20') p JOIN kpi.query('{delay}', '2026-02-16', '2026-02-20') d USING (day)$$, 'a difference of two percentiles');
SELECT results_eq($$SELECT segment ->> 'airport', value FROM kpi.query('{p90}', '2026-02-01', '2026-02-20', by => '{airport}', top => 1) WHERE day = '2026-02-02' AND segment ->> 'airport' <> 'others'$$,
    $$SELECT segment ->> 'airport', kpi.value('p90', '2026-02-02 12:00Z', segment) FROM kpi.query('{p90}', '2026-02-01', '2026-02-20', by => '{airport}', grain => 'total') ORDER BY value DESC LIMIT 1$$,
    'by days segments rank by the percentile of the whole range');
SELECT ok((SELECT abs(q.value - p) <= 0.0100001 * p FROM kpi.query('{p90}', '2026-02-01', '2026-02-20', by => '{airport}', grain => 'total', top => 2) q,
    (SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY delay) AS p FROM public.flight WHERE (at AT TIME ZONE 'Europe/Madrid')::date BETWEEN '2026-02-01' AND '2026-02-20'
        AND coalesce(airport, '-') IN (SELECT coalesce(segment ->> 'airport', '-') FROM kpi.query('{p90}', '2026-02-01', '2026-02-20', by => '{airport}', grain => 'total', order_by => 'value desc') OFFSET 2)) x
    WHERE q.segment ->> 'airport' = 'others'), 'the rest has a percentile');

-- what is no finite number
CREATE TABLE public.gauge (at timestamptz, level float4, wide numeric);
CREATE VIEW public.gauge_facts AS SELECT at, 1 AS readings, level, wide::numeric AS width FROM public.gauge;
SELECT kpi.track('public.gauge_facts', 'at', name => 'gauge', timezone => 'UTC', build => 'now', aggregates => '{"levels": {"percentiles": "level"}, "widths": {"percentiles": "width"}}');
SELECT kpi.define('greatest', 'percentile(levels, 1)'), kpi.define('least', 'percentile(levels, 0)'), kpi.define('under', 'share_below(levels, -1.5)');
INSERT INTO public.gauge VALUES ('2026-03-01 10:00Z', 0, 1e400), ('2026-03-01 10:00Z', '-Infinity', 0), ('2026-03-01 10:00Z', 'NaN', -1e400), ('2026-03-01 10:00Z', 'Infinity', 1e-400);
SELECT results_eq($$SELECT metric, value FROM kpi.query('{greatest,least,levels,under,widths}', '2026-03-01', '2026-03-01')$$,
    $$VALUES ('greatest', 'NaN'::numeric), ('least', '-Infinity'), ('levels', 0), ('under', 0.25), ('widths', 0)$$, 'infinities at both ends, NaN beyond; what a double cannot hold is infinite');

-- detection takes percentiles as levels
INSERT INTO public.gauge SELECT date_trunc('day', now()) - i * interval '1 day' + interval '1 second', 100 + i % 3 FROM generate_series(0, 60) i;
SELECT results_eq($$SELECT round(value), is_anomaly FROM kpi.anomalies('levels', 'today', partial => 'compare')$$, $$VALUES (100::float8, false)$$, 'the open day is compared as it is');

-- what has no meaning is refused
SELECT throws_ok($$SELECT * FROM kpi.query('{p90}', '7d', show => '{running}')$$, '0A000', $$show => 'running' adds values up, but "p90" does not add up$$);
SELECT throws_ok($$SELECT * FROM kpi.explain('p90', '2026-02-03')$$, '0A000', 'metric "p90" cannot be explained');
SELECT throws_ok($$SELECT kpi.define('x', 'percentile(flights, 0.5)')$$, '42809', '"flights" is no measure of percentiles');
SELECT throws_ok($$SELECT kpi.define('x', '1 + percentile(p90, 0.5)')$$, '42809', '"p90" is no measure of percentiles');
SELECT throws_ok($$SELECT kpi.define('x', 'percentile(nosuch, 0.5)')$$, '42703', 'there is no measure or metric "nosuch"');
SELECT throws_ok($$SELECT kpi.define('x', 'percentile(delay, 95)')$$, '22023', 'there is no percentile 95');
SELECT throws_ok($$SELECT kpi.define('x', 'percentile(delay, flights)')$$, '22023', 'percentile() takes the name of a measure and a number');
SELECT throws_ok($$SELECT kpi.define('x', 'share_below(delay)')$$, '22023', 'share_below() takes the name of a measure and a number');
SELECT throws_ok($$SELECT kpi.define('x', 'median(delay + 1)')$$, '22023', 'median() takes the name of a measure');
CREATE VIEW public.other_facts AS SELECT at, airport, 1 AS others, delay AS late_too, kind FROM public.flight;
CREATE FUNCTION t.refused(aggregates jsonb, state char(5), message text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT throws_ok(format('SELECT kpi.track(''public.other_facts'', ''at'', name => ''other'', aggregates => %L)', aggregates), state, message) $$;
SELECT t.refused('{"x": {"percentiles": "airport"}}', '42804', 'column of aggregate "x", "airport" is of type text, whose percentiles are no exact number');
SELECT t.refused('{"x": {"percentiles": "late_too", "error": 0}}', '22023', 'error of aggregate "x" must be a number from 0.0001 to 0.5, not 0');
SELECT t.refused('{"x": {"percentiles": "late_too", "error": "1%"}}', '22023', 'error of aggregate "x" must be a number from 0.0001 to 0.5, not "1%"');
SELECT t.refused('{"x": {"max": "late_too", "error": 0.1}}', '22023', 'aggregate "x" is exact and takes no error');
SELECT throws_ok($$SELECT kpi.untrack('flight')$$, '2BP01', 'cannot untrack source "flight" because metrics use its measures');
SELECT * FROM finish();
