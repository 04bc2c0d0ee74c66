-- as: superuser
-- First and last (aggregates => in kpi.track): of each full segment the value of the last row by time in the bucket, added up over segments; compared with
-- DISTINCT ON over the facts view, before and after merge, repair, rebuild and freeze, in own transactions and savepoints.
\ir ../tools/exact.sql
CREATE TABLE public.stock (id int PRIMARY KEY, at timestamptz, shop text, kind int, level numeric(9, 2), items int);
CREATE VIEW public.stock_facts AS SELECT at, shop, kind, 1 AS readings, level, items FROM public.stock;
-- Several rows of a segment in an hour, some at the very same time.
INSERT INTO public.stock SELECT i, '2025-12-31 20:00Z'::timestamptz + i / 3 * 3 * interval '67 min', (ARRAY['Mall', 'Market', 'Kiosk', NULL])[1 + i * i % 4], i / 2 % 3,
    CASE WHEN i % 11 > 0 THEN (i * 37 % 4001) / 100.0 - 10 END, i * 13 % 101 - 20 FROM generate_series(0, 2200) i;
SET timezone = 'UTC';

SELECT plan(42);
SELECT kpi.track('public.stock_facts', 'at', '{shop,kind}', name => 'stock', timezone => 'Europe/Madrid', hour_retention => '100 years',
    aggregates => '{"closing": {"last": "level"}, "opening": {"first": "level"}, "left_items": {"last": "items"}, "highest": {"max": "level"}}');
SELECT is((SELECT string_agg(concat_ws(' ', name, "column", kind, position), ', ' ORDER BY name) FROM kpi.counted WHERE source = 'stock'),
    'closing level last 1, highest level max 2, left_items items last 3, opening level first 1', 'first and last of a column share what is kept');
SELECT results_eq($$SELECT name FROM kpi.measure WHERE source = 'stock' ORDER BY position$$, $$VALUES ('readings'), ('level'), ('items')$$, 'and it is a sum too');

CREATE TABLE t.request (grain text, dims name[], filters jsonb, condition text, since date, until date);
INSERT INTO t.request VALUES
('hour', '{}', '{}', 'true', '2026-03-25', '2026-03-31'), ('hour', '{shop}', '{"kind": 1}', 'kind = 1', '2026-02-01', '2026-02-10'),
('day', '{}', '{}', 'true', '2026-01-01', '2026-03-31'), ('day', '{shop}', '{}', 'true', '2026-01-01', '2026-03-31'),
('day', '{shop,kind}', '{}', 'true', '2026-01-01', '2026-03-31'), ('day', '{kind}', '{"shop": ["Mall", null]}', $$(shop = 'Mall' OR shop IS NULL)$$, '2026-01-01', '2026-03-31'),
('week', '{shop}', '{"kind": {"not": 1}}', 'kind IS DISTINCT FROM 1', '2026-01-05', '2026-03-29'),
('month', '{}', '{"shop": {"like": "M%"}}', $$shop LIKE 'M%'$$, '2026-01-01', '2026-03-31'), ('total', '{shop}', '{}', 'true', '2026-01-03', '2026-03-30');
CREATE FUNCTION t.differing() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    r t.request; wall text := $x$(at AT TIME ZONE 'Europe/Madrid')$x$; bucket text; segment text; expected text; actual text;
BEGIN
    FOR r IN SELECT * FROM t.request LOOP
        bucket := CASE r.grain WHEN 'total' THEN 'NULL::timestamptz' WHEN 'hour' THEN format($x$at - (%1$s - date_trunc('hour', %1$s))$x$, wall)
                               ELSE format($x$date_trunc(%L, %s) AT TIME ZONE 'Europe/Madrid'$x$, r.grain, wall) END;
        segment := (SELECT 'jsonb_build_object(' || coalesce(string_agg(format('%L, %I', d, d), ', '), '') || ')' FROM unnest(r.dims) d);
        expected := (SELECT string_agg(format('SELECT b, s, %L AS m, sum(v) AS v FROM (SELECT DISTINCT ON (%s, shop, kind) %2$s AS b, %s AS s, %I::numeric AS v
            FROM stock_facts WHERE %s::date BETWEEN %L AND %L AND %s AND %4$I IS NOT NULL ORDER BY %2$s, shop, kind, at %9$s, %4$I %9$s) f GROUP BY 1, 2',
            m, bucket, segment, c, wall, r.since, r.until, r.condition, o), ' UNION ALL ')
            FROM (VALUES ('closing', 'level', 'DESC'), ('opening', 'level', ''), ('left_items', 'items', 'DESC')) l(m, c, o));
        actual := format('SELECT %s, segment, metric, value FROM kpi.query(''{closing,opening,left_items}'', %L, %L, by => %L, filters => %L, grain => %L, max_rows => NULL, expected => false)
            WHERE value IS NOT NULL',
            CASE r.grain WHEN 'total' THEN 'NULL::timestamptz' ELSE 'bucket' END, r.since, r.until, r.dims, r.filters, r.grain);
        RETURN QUERY EXECUTE format('WITH e AS MATERIALIZED (%2$s), a AS MATERIALIZED (%3$s) SELECT %1$L || '' misses '' || x::text FROM (TABLE e EXCEPT ALL TABLE a) x UNION ALL SELECT %1$L || '' has wrongly '' || x::text FROM (TABLE a EXCEPT ALL TABLE e) x',
            r.grain || r.dims::text || r.filters::text, expected, actual);
    END LOOP;
END $$;
CREATE FUNCTION t.balances(what text) RETURNS text LANGUAGE sql AS $$ SELECT t.report(ARRAY(SELECT t.differing()), what) $$;

SELECT t.balances('not built yet: from the facts view');
SELECT kpi.rebuild('stock');
SELECT t.balances('built');
SELECT t.exact('stock', 'built: sums and verify');
SELECT results_eq($$SELECT metric, value FROM kpi.query('{opening,closing}', '2025-01-01', '2025-01-01')$$, $$VALUES ('opening', NULL::numeric), ('closing', NULL)$$, 'no value is the last of none');

BEGIN;
INSERT INTO public.stock VALUES (5000, '2026-02-10 22:59:59.999999Z', 'Mall', 1, 900, 1), (5001, '2026-02-10 22:59:59.999999Z', 'Mall', 1, 901, -700), (5002, '2026-02-09 23:00Z', 'Mall', 1, 5, 5);
SELECT is(kpi.value('closing', '2026-02-10 12:00Z', '{"shop": "Mall", "kind": 1}'), 901.00, 'of two at the same time the greatest is the last');
SELECT t.balances('own inserts');
SAVEPOINT one;
DELETE FROM public.stock WHERE id = 5001 OR items < -15;
UPDATE public.stock SET level = level * 2 WHERE id % 3 = 0;
SELECT t.balances('own changes behind a savepoint');
ROLLBACK TO one;
SELECT t.balances('rolled back to it');
UPDATE public.stock SET shop = 'Kiosk' WHERE id % 5 = 0;
UPDATE public.stock SET level = NULL WHERE id % 7 = 0;
SELECT t.same('stock', 'own changes: sums and verify');
COMMIT;
SELECT t.balances('committed');
SELECT t.exact('stock', 'committed: sums and verify');
SELECT t.balances('merged and rebuilt');

-- the last row moves within its hour, goes, and was not the only one of its time and value
INSERT INTO public.stock SELECT 6000 + i, '2026-03-01 22:30Z', 'Mall', 1, 9999, 1 FROM generate_series(1, 2) i;
SELECT kpi.merge('stock');
DELETE FROM public.stock WHERE id = 6001;
SELECT kpi.merge('stock');
SELECT is(kpi.value('closing', '2026-03-01 12:00Z', '{"shop": "Mall", "kind": 1}'), 9999.00, 'one of two is left');
INSERT INTO public.stock VALUES (6003, '2026-03-01 22:29Z', 'Mall', 1, 7, 1);
UPDATE public.stock SET at = '2026-03-01 22:28Z' WHERE id = 6002;
SELECT is(kpi.value('closing', '2026-03-01 12:00Z', '{"shop": "Mall", "kind": 1}'), 7.00, 'moved before another, it is the last no more');
DELETE FROM public.stock WHERE id >= 6000;
SELECT t.balances('deleted');
SELECT kpi.merge('stock');
SELECT t.balances('deleted and merged');
SELECT is_empty($$SELECT FROM kpi_data.stock_rollup_day WHERE v1[2] = 9999$$, 'nothing is left of it');

\set table stock
\set check t.balances
\set change 'level = 5000 + id, at = at + interval \'7 min\''
\ir ../tools/counted_changes.sql

-- damage, frozen days
DELETE FROM kpi_data.stock_rollup_day WHERE level >> 12 = 1 AND day = '2026-02-03' AND v1 = (SELECT max(v1) FROM kpi_data.stock_rollup_day WHERE level >> 12 = 1 AND day = '2026-02-03');
SELECT results_eq($$SELECT DISTINCT grain, measure, to_timestamp((segment -> 'level' ->> 0)::float8)::date FROM kpi.verify('stock')$$, $$VALUES ('day', 'closing', '2026-02-03'::date)$$,
    'verify shows time and value of what is missing');
SELECT kpi.rebuild('stock', '2026-02-03', '2026-02-04');
SELECT is_empty($$SELECT * FROM kpi.verify('stock')$$, 'rebuild mends it');
CREATE TABLE public.january AS SELECT day, segment, metric, value FROM kpi.query('{closing,opening}', '2026-01-01', '2026-01-31', by => '{shop}');
SELECT kpi.freeze('stock', '2026-02-01');
DELETE FROM public.stock WHERE at < '2026-01-31 23:00Z';
SELECT kpi.merge('stock');
SELECT results_eq($$SELECT day, segment, metric, value FROM kpi.query('{closing,opening}', '2026-01-01', '2026-01-31', by => '{shop}')$$, 'TABLE public.january', 'a frozen month stays');

-- formulas, comparisons, shares, the rest of the segments
SELECT kpi.define('gain', 'closing - opening'), kpi.define('per_reading', 'closing / readings'), kpi.define('mixed', 'closing - highest');
SELECT results_eq($$SELECT value, compared FROM kpi.query('{gain}', '2026-02-16', '2026-03-01', grain => 'total', compare => 'previous')$$,
    $$SELECT sum(l - f) FILTER (WHERE now), sum(l - f) FILTER (WHERE NOT now) FROM (SELECT shop, kind, now, (array_agg(level ORDER BY at DESC, level DESC))[1] AS l, (array_agg(level ORDER BY at, level))[1] AS f
        FROM (SELECT *, (at AT TIME ZONE 'Europe/Madrid')::date >= '2026-02-16' AS now FROM public.stock
               WHERE level IS NOT NULL AND (at AT TIME ZONE 'Europe/Madrid')::date BETWEEN '2026-02-02' AND '2026-03-01') x GROUP BY 1, 2, 3) y$$, 'a formula over both, compared with the range before');
CREATE VIEW public.last_of_shop AS SELECT shop, sum(level) AS v, row_number() OVER (ORDER BY sum(level) DESC) AS r FROM (SELECT DISTINCT ON (shop, kind) * FROM public.stock
    WHERE level IS NOT NULL AND (at AT TIME ZONE 'Europe/Madrid')::date BETWEEN '2026-02-01' AND '2026-02-20' ORDER BY shop, kind, at DESC, level DESC) x GROUP BY shop;
SELECT results_eq($$SELECT segment ->> 'shop', value FROM kpi.query('{closing}', '2026-02-01', '2026-02-20', by => '{shop}', grain => 'total', top => 2)$$,
    $$(SELECT shop, v FROM public.last_of_shop WHERE r <= 2 ORDER BY 1) UNION ALL SELECT 'others', sum(v) FROM public.last_of_shop WHERE r > 2$$, 'top two shops, and the rest added up');
SELECT is((SELECT round(sum(share), 6) FROM kpi.query('{closing}', '2026-02-01', '2026-02-20', by => '{shop}', grain => 'total', show => '{share}')), 1.000000, 'segments have shares of the whole');

-- buckets in the order of the time column: a wall clock that is set back, days whose rows tie, what is no number
CREATE TABLE public.gauge (at timestamp, pressure numeric);
CREATE VIEW public.gauge_facts AS SELECT at, 1 AS measured, pressure FROM public.gauge;
SELECT kpi.track('public.gauge_facts', 'at', name => 'gauge', timezone => 'Europe/Madrid', build => 'now', aggregates => '{"final": {"last": "pressure"}, "initial": {"first": "pressure"}}');
INSERT INTO public.gauge VALUES ('2026-03-29 02:30', 1), ('2026-03-29 03:10', 2), ('2026-03-28 10:00', 'NaN'), ('2026-03-28 10:00', 'Infinity'), ('2026-03-27 10:00', 1e100), ('infinity', 3);
SELECT results_eq($$SELECT kpi.value('initial', at) < 'Infinity', kpi.value('final', at) FROM generate_series('2026-03-27 12:00Z'::timestamptz, '2026-03-29 12:00Z', '1 day') at$$,
    $$VALUES (true, 1e100::numeric), (false, 'NaN'), (true, 2)$$, 'by what the clock showed; NaN is the greatest');
SELECT t.exact('gauge', 'a clock on the wall: sums and verify');

-- detection takes them as levels
INSERT INTO public.gauge SELECT (now() AT TIME ZONE 'Europe/Madrid')::date - i * interval '1 day' + interval '1 second', 100 + i % 3 FROM generate_series(0, 60) i;
SELECT results_eq($$SELECT value, is_anomaly FROM kpi.anomalies('final', 'today', partial => 'compare')$$, $$VALUES (100::float8, false)$$, 'the open day is compared as it is');

-- what has no meaning is refused
SELECT throws_ok($$SELECT * FROM kpi.query('{gain}', '7d', show => '{running}')$$, '0A000', $$show => 'running' adds values up, but "gain" does not add up$$);
SELECT throws_ok($$SELECT * FROM kpi.query('{mixed}', '7d', by => '{shop}', show => '{share}')$$, '0A000', $$show => 'share' adds values up, but "mixed" does not add up$$);
SELECT throws_ok($$SELECT * FROM kpi.explain('closing', '2026-02-03')$$, '0A000', 'metric "closing" cannot be explained');
CREATE VIEW public.other_facts AS SELECT at, shop, 1 AS others, level AS other_level, level::float8 AS loose FROM public.stock;
CREATE FUNCTION t.refused(aggregates jsonb, state char(5), message text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT throws_ok(format('SELECT kpi.track(''public.other_facts'', ''at'', ''{}'', name => ''other'', aggregates => %L)', aggregates), state, message) $$;
SELECT t.refused('{"end": {"last": "shop"}}', '42804', 'column of aggregate "end", "shop" is of type text, whose last is no exact number');
SELECT t.refused('{"start": {"first": "loose"}}', '42804', 'column of aggregate "start", "loose" is of type double precision, whose first is no exact number');
SELECT t.refused('{"end": {"last": "at"}}', '42701', 'column "at" is named twice');
SELECT t.refused('{"end": {"last": "other_level", "error": 0.1}}', '22023', 'aggregate "end" is exact and takes no error');
SELECT * FROM finish();
