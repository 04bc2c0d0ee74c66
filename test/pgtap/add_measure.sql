-- as: superuser
-- kpi.add_measure: a measure more of a source that has history, unmerged deltas and readers; exact from the commit on, before and after it is built.
\ir ../tools/exact.sql
CREATE TABLE public.sale (id int PRIMARY KEY, at timestamptz, shop text, kind int, customer text, price numeric(9, 2), items int);
CREATE VIEW public.sale_facts AS SELECT at, shop, kind, 1 AS sales, price FROM public.sale;
INSERT INTO public.sale SELECT i, '2025-12-31 20:00Z'::timestamptz + i * interval '67 min', (ARRAY['Mall', 'Market', 'Kiosk', NULL])[1 + i * i % 4], i % 3,
    'c' || i * 7 % 60, CASE WHEN i % 11 > 0 THEN (i * 37 % 4001) / 100.0 - 10 END, i * 13 % 101 - 20 FROM generate_series(0, 1500) i;
SET timezone = 'UTC';

SELECT plan(34);
SELECT kpi.track('public.sale_facts', 'at', '{shop,kind}', name => 'sale', timezone => 'Europe/Madrid', hour_retention => '100 years', build => 'now');
UPDATE public.sale SET shop = 'Kiosk' WHERE id % 17 = 0;
SELECT lives_ok($$CREATE OR REPLACE VIEW public.sale_facts AS SELECT at, shop, kind, 1 AS sales, price, items, customer, price::float8 AS loose FROM public.sale$$, 'a number more is no measure yet');
SELECT results_eq($$SELECT name FROM kpi.measure WHERE source = 'sale' ORDER BY position$$, $$VALUES ('sales'), ('price')$$, 'and is not taken for one');
SELECT t.same('sale', 'the view has more columns');

SELECT lives_ok($$SELECT kpi.add_measure('sale', 'customers', '{"distinct": "customer"}')$$, 'a distinct count');
SELECT isnt_empty($$SELECT FROM kpi.dirty WHERE source = 'sale' AND why = 'measure "customers" added'$$, 'everything is to be built');
SELECT t.same('sale', 'not built yet: from the facts view');
INSERT INTO public.sale SELECT 3000 + i, '2026-02-03 10:00Z'::timestamptz + i * interval '7 min', 'Mall', 1, 'new' || i % 5, 7, 7 FROM generate_series(1, 50) i;
DELETE FROM public.sale WHERE id % 19 = 0;
SELECT t.same('sale', 'written to before it is built');
CALL kpi.work();
SELECT is_empty($$SELECT FROM kpi.dirty WHERE source = 'sale'$$, 'built by the worker');
SELECT t.same('sale', 'built');
SELECT is((SELECT count(*) FROM pg_indexes WHERE schemaname = 'kpi_data' AND tablename ~ '^sale_' AND indexdef LIKE '%ROW(d1, d2, v1)%'), 3::bigint, 'the indexes have the value');
SELECT is((SELECT count(*) FROM pg_indexes WHERE schemaname = 'kpi_data' AND tablename ~ '^sale_'), 3::bigint, 'and there are no others');
UPDATE public.sale SET customer = 'moved', at = at + interval '3 days' WHERE id % 23 = 0;
SELECT t.exact('sale', 'changed, merged and rebuilt');

SELECT lives_ok($$SELECT kpi.add_measure('public.sale_facts', 'dearest', '{"max": "price"}'), kpi.add_measure('sale', 'closing', '{"last": "price"}'), kpi.add_measure('sale', 'spread', '{"percentiles": "loose"}'),
    kpi.add_measure('sale', 'cheapest', '{"min": "price"}')$$, 'others, in one transaction, the source named by its view');
SELECT lives_ok($$SELECT kpi.add_measure('sale', 'items', '{"sum": "items"}')$$, 'a sum');
SELECT is((SELECT string_agg(concat_ws(' ', name, "column", kind, position), ', ' ORDER BY position, name) FROM kpi.counted WHERE source = 'sale'),
    'customers customer distinct 1, cheapest price min 2, dearest price max 2, closing price last 3, spread loose percentiles 4', 'measures of one column share what is kept');
SELECT t.same('sale', 'all of them, not built yet');
SELECT kpi.rebuild('sale');
SELECT t.same('sale', 'rebuilt by hand');
UPDATE public.sale SET price = price + 1, items = items * 2 WHERE id % 5 = 0;
DELETE FROM public.sale WHERE id % 29 = 0;
SELECT t.same('sale', 'changed');
SELECT t.exact('sale', 'changed, merged and rebuilt');
BEGIN; TRUNCATE public.sale; SELECT t.same('sale', 'emptied'); ROLLBACK;
SELECT is((SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'kpi_data.sale_daily'::regclass), 'day shop kind row_count sales price items', 'the typed views show the sum');
SELECT kpi.define('per_customer', 'items / customers');
SELECT is((SELECT value FROM kpi.query('{per_customer}', '2026-02-01', '2026-02-28', grain => 'total')),
    (SELECT sum(items)::numeric / count(DISTINCT customer) FROM public.sale WHERE (at AT TIME ZONE 'Europe/Madrid')::date BETWEEN '2026-02-01' AND '2026-02-28'), 'a formula over new measures');
SELECT lives_ok($$CREATE OR REPLACE VIEW public.sale_facts AS SELECT at, shop, kind, 1 AS sales, (price * 2)::numeric(9, 2) AS price, items, customer, price::float8 AS loose FROM public.sale$$, 'the view can be replaced as before');
SELECT t.exact('sale', 'replaced');

-- refused
CREATE FUNCTION t.refused(name text, definition jsonb, state char(5), message text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT throws_ok(format('SELECT kpi.add_measure(''sale'', %L, %L)', name, definition), state, message) $$;
SELECT t.refused('none', '{"distinct": "nothing"}', '42703', 'column of aggregate "none", "nothing" is not a column of the facts view');
SELECT t.refused('dearest', '{"max": "items"}', '42710', 'measure or metric "dearest" exists already');
SELECT t.refused('customer', '{"sum": "customer"}', '42703', 'the facts view has no column "customer" that can be summed');
SELECT t.refused('more', '{"sum": "items"}', '22023', 'a sum of column "items" cannot be named "more"');
SELECT t.refused('odd', '{"middle": "items"}', '22023', 'aggregate "odd" is of unknown kind "middle"');
BEGIN;
INSERT INTO public.sale VALUES (9000, '2026-02-03 10:00Z', 'Mall', 1, 'x', 1, 1);
SELECT throws_ok($$SELECT kpi.add_measure('sale', 'late', '{"max": "items"}')$$, '55006', 'this transaction has changed rows of source "sale"');
ROLLBACK;
SELECT kpi.freeze('sale', '2026-01-10');
SELECT t.refused('frozen', '{"max": "items"}', '55000', 'source "sale" has frozen days');
SELECT kpi.freeze('sale', '-infinity');
SELECT lives_ok($$SELECT kpi.add_measure('sale', 'x' || i, '{"min": "items"}') FROM generate_series(1, 2) i$$, 'seven aggregates');
SELECT t.refused('eighth', '{"max": "items"}', '54011', 'a source can have at most 7 aggregates');
CREATE ROLE measure_stranger;
GRANT USAGE ON SCHEMA kpi TO measure_stranger;
GRANT EXECUTE ON FUNCTION kpi.add_measure TO measure_stranger;
GRANT SELECT ON ALL TABLES IN SCHEMA kpi TO measure_stranger;
SET ROLE measure_stranger;
SELECT throws_ok($$SELECT kpi.add_measure('sale', 'mine', '{"max": "items"}')$$, '42501', 'must be owner of source sale');
RESET ROLE;
SELECT * FROM finish();
