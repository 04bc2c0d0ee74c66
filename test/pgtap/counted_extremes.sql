-- as: superuser
-- Minimum and maximum (aggregates => in kpi.track), compared with min() and max() of the facts view: before and after merge, repair,
-- rebuild and freeze, in own transactions and savepoints; deleting the extreme gives the next.
\ir ../tools/exact.sql
CREATE TABLE public.buy (id int PRIMARY KEY, at timestamptz, shop text, kind int, customer text, price numeric(9, 2), items int);
CREATE VIEW public.buy_facts AS SELECT at, shop, kind, 1 AS buys, price, items, customer FROM public.buy;
INSERT INTO public.buy SELECT i, '2025-12-31 20:00Z'::timestamptz + i * interval '67 min', (ARRAY['Mall', 'Market', 'Kiosk', NULL])[1 + i * i % 4], i % 3,
    'c' || i * 7 % 60, CASE WHEN i % 11 > 0 THEN (i * 37 % 4001) / 100.0 - 10 END, i * 13 % 101 - 20 FROM generate_series(0, 2200) i;
SET timezone = 'UTC';

SELECT plan(43);
SELECT kpi.track('public.buy_facts', 'at', '{shop,kind}', name => 'buy', timezone => 'Europe/Madrid', hour_retention => '100 years',
    aggregates => '{"dearest": {"max": "price"}, "cheapest": {"min": "price"}, "fewest": {"min": "items"}, "customers": {"distinct": "customer"}}');
SELECT is((SELECT string_agg(concat_ws(' ', name, "column", kind, position), ', ' ORDER BY name) FROM kpi.counted WHERE source = 'buy'),
    'cheapest price min 1, customers customer distinct 2, dearest price max 1, fewest items min 3',
    'measures of one column share what is kept');
SELECT results_eq($$SELECT name FROM kpi.measure WHERE source = 'buy' ORDER BY position$$, $$VALUES ('buys'), ('price'), ('items')$$, 'and it is a sum too');

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
        expected := format('SELECT b, s, m, v FROM (SELECT %s AS b, %s AS s, max(price) AS x, min(price) AS y, min(items)::numeric AS z, count(DISTINCT customer)::numeric AS c
            FROM buy_facts WHERE %s::date BETWEEN %L AND %L AND %s GROUP BY 1, 2) f,
            LATERAL (VALUES (''dearest'', x), (''cheapest'', y), (''fewest'', z), (''customers'', c)) l(m, v) WHERE v IS NOT NULL',
            bucket, segment, wall, r.since, r.until, r.condition);
        -- an empty bucket has no value, but 0 customers
        actual := format('SELECT %s, segment, metric, value FROM kpi.query(''{dearest,cheapest,fewest,customers}'', %L, %L, by => %L, filters => %L, grain => %L, max_rows => NULL, expected => false)
            WHERE CASE metric WHEN ''customers'' THEN value <> 0 ELSE value IS NOT NULL END',
            CASE r.grain WHEN 'total' THEN 'NULL::timestamptz' ELSE 'bucket' END, r.since, r.until, r.dims, r.filters, r.grain);
        RETURN QUERY EXECUTE format('WITH e AS MATERIALIZED (%2$s), a AS MATERIALIZED (%3$s) SELECT %1$L || '' misses '' || x::text FROM (TABLE e EXCEPT ALL TABLE a) x UNION ALL SELECT %1$L || '' has wrongly '' || x::text FROM (TABLE a EXCEPT ALL TABLE e) x',
            r.grain || r.dims::text || r.filters::text, expected, actual);
    END LOOP;
END $$;
CREATE FUNCTION t.extremes(what text) RETURNS text LANGUAGE sql AS $$ SELECT t.report(ARRAY(SELECT t.differing()), what) $$;

SELECT t.extremes('not built yet: from the facts view');
SELECT kpi.rebuild('buy');
SELECT t.extremes('built');
SELECT t.exact('buy', 'built: sums and verify');
SELECT results_eq($$SELECT metric, value FROM kpi.query('{dearest,cheapest,customers}', '2025-01-01', '2025-01-01')$$,
    $$VALUES ('dearest', NULL), ('cheapest', NULL), ('customers', 0::numeric)$$, 'no value is the greatest of none');

BEGIN;
INSERT INTO public.buy VALUES (5000, '2026-02-10 10:00Z', 'Mall', 1, 'x', 900, 1), (5001, '2026-02-10 10:00Z', 'Mall', 1, 'x', -900, -700);
SELECT t.extremes('own inserts');
SAVEPOINT one;
DELETE FROM public.buy WHERE price > 20 OR items < -15;
UPDATE public.buy SET price = price * 2 WHERE id % 3 = 0;
SELECT t.extremes('own changes behind a savepoint');
ROLLBACK TO one;
SELECT t.extremes('rolled back to it');
UPDATE public.buy SET shop = 'Kiosk' WHERE id % 5 = 0;
UPDATE public.buy SET price = NULL WHERE id % 7 = 0;
SELECT t.same('buy', 'own changes: sums and verify');
COMMIT;
SELECT t.extremes('committed');
SELECT t.exact('buy', 'committed: sums and verify');
SELECT t.extremes('merged and rebuilt');

-- the extreme goes with its last row
INSERT INTO public.buy SELECT 6000 + i, '2026-03-01 10:00Z', 'Mall', 1, 'x', 9999, 1 FROM generate_series(1, 2) i;
SELECT kpi.merge('buy');
DELETE FROM public.buy WHERE id = 6001;
SELECT kpi.merge('buy');
SELECT is(kpi.value('dearest', '2026-03-01 12:00Z'), 9999.00, 'one of two is left');
DELETE FROM public.buy WHERE id = 6002;
SELECT t.extremes('deleted');
SELECT kpi.merge('buy');
SELECT t.extremes('deleted and merged');
SELECT is_empty($$SELECT FROM kpi_data.buy_rollup_day WHERE v1 = 9999$$, 'nothing is left of it');

\set table buy
\set check t.extremes
\set change 'price = 5000 + id'
\ir ../tools/counted_changes.sql

-- damage, frozen days
DELETE FROM kpi_data.buy_rollup_day WHERE level >> 12 = 1 AND day = '2026-02-03' AND v1 = (SELECT max(v1) FROM kpi_data.buy_rollup_day WHERE level >> 12 = 1 AND day = '2026-02-03');
SELECT results_eq($$SELECT DISTINCT grain, measure, segment ? 'price' FROM kpi.verify('buy')$$, $$VALUES ('day', 'cheapest', true)$$, 'verify shows the value that is missing');
SELECT kpi.rebuild('buy', '2026-02-03', '2026-02-04');
SELECT is_empty($$SELECT * FROM kpi.verify('buy')$$, 'rebuild mends it');
CREATE TABLE public.january AS SELECT day, segment, metric, value FROM kpi.query('{dearest,cheapest}', '2026-01-01', '2026-01-31', by => '{shop}');
SELECT kpi.freeze('buy', '2026-02-01');
DELETE FROM public.buy WHERE at < '2026-01-31 23:00Z';
SELECT kpi.merge('buy');
SELECT results_eq($$SELECT day, segment, metric, value FROM kpi.query('{dearest,cheapest}', '2026-01-01', '2026-01-31', by => '{shop}')$$, 'TABLE public.january', 'a frozen month stays');

-- formulas, comparisons, the rest of the segments: its greatest is known
SELECT kpi.define('span', 'dearest - cheapest'), kpi.define('no_less', 'coalesce(cheapest, 0) + buys');
SELECT results_eq($$SELECT day, metric, value FROM kpi.query('{span,no_less}', '2026-03-24', '2026-04-20') WHERE value IS NOT NULL$$,
    $$SELECT d::date, m, v FROM (SELECT d, max(price) - min(price) AS x, coalesce(min(price), 0) + count(id) AS y FROM generate_series('2026-03-24'::timestamp, '2026-04-20', '1 day') d
        LEFT JOIN public.buy ON (at AT TIME ZONE 'Europe/Madrid')::date = d::date GROUP BY 1) f, LATERAL (VALUES ('span', x), ('no_less', y)) l(m, v) WHERE v IS NOT NULL ORDER BY 1, m DESC$$, 'formulas, also of nothing');
SELECT results_eq($$SELECT value, compared FROM kpi.query('{dearest}', '2026-02-16', '2026-03-01', grain => 'total', compare => 'previous')$$,
    $$SELECT (SELECT max(price) FROM public.buy WHERE (at AT TIME ZONE 'Europe/Madrid')::date BETWEEN '2026-02-16' AND '2026-03-01'),
             (SELECT max(price) FROM public.buy WHERE (at AT TIME ZONE 'Europe/Madrid')::date BETWEEN '2026-02-02' AND '2026-02-15')$$, 'compared with the range before');
SELECT results_eq($$SELECT segment ->> 'shop', value FROM kpi.query('{dearest}', '2026-02-01', '2026-02-20', by => '{shop}', grain => 'total', top => 2)$$,
    $$WITH s AS (SELECT shop, max(price) AS p, row_number() OVER (ORDER BY max(price) DESC) AS r FROM public.buy
                  WHERE (at AT TIME ZONE 'Europe/Madrid')::date BETWEEN '2026-02-01' AND '2026-02-20' GROUP BY shop)
      (SELECT shop, p FROM s WHERE r <= 2 ORDER BY 1) UNION ALL SELECT 'others', max(p) FROM s WHERE r > 2$$, 'top two shops by their dearest, and the dearest of the rest');
SELECT results_eq($$SELECT segment ->> 'shop' FROM kpi.query('{dearest}', '2026-02-01', '2026-02-20', by => '{shop}', top => 1) WHERE day = '2026-02-01' AND segment ->> 'shop' <> 'others'$$,
    $$SELECT shop FROM public.buy WHERE (at AT TIME ZONE 'Europe/Madrid')::date BETWEEN '2026-02-01' AND '2026-02-20' GROUP BY shop ORDER BY max(price) DESC LIMIT 1$$,
    'by days segments rank by their greatest value, not by the sum of days');

-- what is no number compares as PostgreSQL has it
CREATE TABLE public.gauge (at timestamptz, level numeric);
CREATE VIEW public.gauge_facts AS SELECT at, 1 AS readings, level FROM public.gauge;
SELECT kpi.track('public.gauge_facts', 'at', name => 'gauge', timezone => 'UTC', build => 'now', aggregates => '{"highest": {"max": "level"}, "lowest": {"min": "level"}}');
INSERT INTO public.gauge VALUES ('2026-03-01 10:00Z', 1.50), ('2026-03-01 10:00Z', '-Infinity'), ('2026-03-02 10:00Z', 'NaN'), ('2026-03-02 10:00Z', 'Infinity'), ('2026-03-03 10:00Z', 1e130000);
SELECT results_eq($$SELECT kpi.value('lowest', at), kpi.value('highest', at) FROM generate_series('2026-03-01 12:00Z'::timestamptz, '2026-03-02 12:00Z', '1 day') at$$,
    $$VALUES ('-Infinity'::numeric, 1.50), ('Infinity', 'NaN')$$, 'NaN is the greatest');

-- detection takes levels as levels: an open day is no part of one
INSERT INTO public.gauge SELECT date_trunc('day', now()) - i * interval '1 day' + interval '1 second', 100 + i % 3 FROM generate_series(0, 60) i;
SELECT results_eq($$SELECT value, is_anomaly FROM kpi.anomalies('highest', 'today', partial => 'compare')$$, $$VALUES (100::float8, false)$$, 'the open day is compared as it is');

-- what has no meaning is refused
SELECT throws_ok($$SELECT * FROM kpi.query('{span}', '7d', show => '{running}')$$, '0A000', $$show => 'running' adds values up, but "span" does not add up$$);
SELECT throws_ok($$SELECT * FROM kpi.query('{dearest}', '7d', by => '{shop}', show => '{share}')$$, '0A000', $$show => 'share' adds values up, but "dearest" does not add up$$);
SELECT throws_ok($$SELECT * FROM kpi.explain('dearest', '2026-02-03')$$, '0A000', 'metric "dearest" cannot be explained');
CREATE VIEW public.other_facts AS SELECT at, shop, 1 AS others, price AS other_price, customer, kind FROM public.buy;
CREATE FUNCTION t.refused(aggregates jsonb, state char(5), message text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT throws_ok(format('SELECT kpi.track(''public.other_facts'', ''at'', ''{shop}'', name => ''other'', aggregates => %L)', aggregates), state, message) $$;
SELECT t.refused('{"last": {"max": "customer"}}', '42804', 'column of aggregate "last", "customer" is of type text, whose max is no exact number');
SELECT throws_ok($$CREATE VIEW public.loose_facts AS SELECT at, 1 AS looses, price::float8 AS loose FROM public.buy;
    SELECT kpi.track('public.loose_facts', 'at', name => 'loose', aggregates => '{"least": {"min": "loose"}}')$$, '42804', 'column of aggregate "least", "loose" is of type double precision, whose min is no exact number');
SELECT t.refused('{"last": {"max": "at"}}', '42701', 'column "at" is named twice');
SELECT t.refused('{"last": {"max": "shop"}}', '42701', 'column "shop" is named twice');
SELECT t.refused('{"other_price": {"max": "other_price"}}', '42710', 'aggregate "other_price" has the name of a measure');
ALTER VIEW public.buy_facts RENAME COLUMN price TO cost;
SELECT results_eq($$SELECT DISTINCT "column" FROM kpi.counted WHERE source = 'buy' AND position = 1$$, $$VALUES ('cost'::name)$$, 'a renamed column is followed');
SELECT lives_ok($$CREATE OR REPLACE VIEW public.buy_facts AS SELECT at, shop, kind, 1 AS buys, NULL::numeric(9, 2) AS cost, items, customer, price FROM public.buy$$,
    'and another of its old name is none of the source''s');
SELECT * FROM finish();
