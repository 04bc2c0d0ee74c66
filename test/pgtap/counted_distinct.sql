-- as: superuser
-- Distinct counts against count(DISTINCT ..) over the facts: every grain, coarser segments and filters, before and after merge, repair,
-- rebuild and freeze, in own transactions and savepoints.
\ir ../tools/exact.sql
CREATE TABLE public.buy (id int PRIMARY KEY, at timestamptz, shop text, kind int, customer text, card numeric, price numeric);
CREATE VIEW public.buy_facts AS SELECT at, shop, kind, 1 AS buys, price AS spent, customer, card FROM public.buy;
INSERT INTO public.buy SELECT i, '2025-12-31 20:00Z'::timestamptz + i * interval '67 min', (ARRAY['Mall', 'Market', 'Kiosk', NULL])[1 + i * i % 4], i % 3,
    CASE WHEN i % 11 > 0 THEN 'c' || i * 7 % 60 END, (i * 5 % 40)::numeric(9, 1), i % 31
  FROM generate_series(0, 2200) i;
INSERT INTO public.buy VALUES (9001, 'infinity', 'Mall', 1, 'never', 1, 1), (9002, NULL, 'Mall', 1, 'never', 1, 1);
SET timezone = 'UTC';

SELECT plan(57);
SELECT kpi.track('public.buy_facts', 'at', '{shop,kind}', name => 'buy', timezone => 'Europe/Madrid', hour_retention => '100 years',
    aggregates => '{"customers": {"distinct": "customer"}, "cards": {"distinct": "card"}}');

-- What differs, by request: one line each.
CREATE TABLE t.request (grain text, dims name[], filters jsonb, condition text, since date, until date);
INSERT INTO t.request VALUES
('hour', '{}', '{}', 'true', '2026-03-25', '2026-03-31'), ('hour', '{shop}', '{"kind": 1}', 'kind = 1', '2026-02-01', '2026-02-10'),
('day', '{}', '{}', 'true', '2026-01-01', '2026-03-31'), ('day', '{shop}', '{}', 'true', '2026-01-01', '2026-03-31'),
('day', '{shop,kind}', '{}', 'true', '2026-01-01', '2026-03-31'), ('day', '{kind}', '{"shop": ["Mall", null]}', $$(shop = 'Mall' OR shop IS NULL)$$, '2026-01-01', '2026-03-31'),
('day', '{}', '{"shop": "Mall", "kind": 2}', $$shop = 'Mall' AND kind = 2$$, '2026-01-01', '2026-03-31'),
('week', '{}', '{}', 'true', '2026-01-05', '2026-03-29'), ('week', '{shop}', '{"kind": {"not": 1}}', 'kind IS DISTINCT FROM 1', '2026-01-05', '2026-03-29'),
('month', '{}', '{"shop": {"like": "M%"}}', $$shop LIKE 'M%'$$, '2026-01-01', '2026-03-31'), ('month', '{kind,shop}', '{}', 'true', '2026-01-01', '2026-03-31'),
('total', '{}', '{}', 'true', '2026-01-03', '2026-03-30'), ('total', '{shop}', '{}', 'true', '2026-01-03', '2026-03-30');
CREATE FUNCTION t.distincts() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    r t.request; wall text := $x$(at AT TIME ZONE 'Europe/Madrid')$x$; bucket text; segment text; expected text; actual text;
BEGIN
    FOR r IN SELECT * FROM t.request LOOP
        bucket := CASE r.grain WHEN 'total' THEN 'NULL::timestamptz' WHEN 'hour' THEN format($x$at - (%1$s - date_trunc('hour', %1$s))$x$, wall)
                               ELSE format($x$date_trunc(%L, %s) AT TIME ZONE 'Europe/Madrid'$x$, r.grain, wall) END;
        segment := (SELECT 'jsonb_build_object(' || coalesce(string_agg(format('%L, %I', d, d), ', '), '') || ')' FROM unnest(r.dims) d);
        expected := format('SELECT b, s, m, v::numeric FROM (SELECT %s AS b, %s AS s, count(DISTINCT customer) AS x, count(DISTINCT card) AS y FROM buy_facts
            WHERE isfinite(at) AND %s::date BETWEEN %L AND %L AND %s GROUP BY 1, 2) f, LATERAL (VALUES (''customers'', x), (''cards'', y)) l(m, v) WHERE v > 0',
            bucket, segment, wall, r.since, r.until, r.condition);
        actual := format('SELECT %s, segment, metric, value FROM kpi.query(''{customers,cards}'', %L, %L, by => %L, filters => %L, grain => %L, max_rows => NULL, expected => false) WHERE value <> 0',
            CASE r.grain WHEN 'total' THEN 'NULL::timestamptz' ELSE 'bucket' END, r.since, r.until, r.dims, r.filters, r.grain);
        RETURN QUERY EXECUTE format('WITH e AS MATERIALIZED (%2$s), a AS MATERIALIZED (%3$s) SELECT %1$L || '' misses '' || x::text FROM (TABLE e EXCEPT ALL TABLE a) x UNION ALL SELECT %1$L || '' has wrongly '' || x::text FROM (TABLE a EXCEPT ALL TABLE e) x',
            r.grain || r.dims::text || r.filters::text, expected, actual);
    END LOOP;
END $$;
CREATE FUNCTION t.counts(what text) RETURNS text LANGUAGE sql AS $$ SELECT t.report(ARRAY(SELECT t.distincts()), what) $$;

SELECT isnt_empty($$SELECT * FROM kpi.query('{customers}', '2026-01-01', '2026-03-31', by => '{shop}') WHERE value > 1$$, 'there is something to count');
SELECT t.counts('not built yet: from the facts view');
SELECT kpi.rebuild('buy');
SELECT t.counts('built');
SELECT t.exact('buy', 'built: sums and verify');
SELECT is((SELECT sum(value) FROM kpi.query('{customers}', '2025-01-01', '2025-01-03')), 0::numeric, 'days without rows have 0');
-- beside a source that keeps no values
CREATE TABLE public.apart (at timestamptz, shop text);
CREATE VIEW public.apart_facts AS SELECT at, shop, 1 AS aparts FROM public.apart;
INSERT INTO public.apart VALUES ('2026-01-03 12:00Z', 'Mall');
SELECT kpi.track('public.apart_facts', 'at', '{shop}', name => 'apart', timezone => 'Europe/Madrid') \gset
SELECT is((SELECT array_agg(value ORDER BY metric) FROM kpi.query('{customers,aparts}', '2026-01-01', '2026-01-05', '{"shop": "Mall"}', grain => 'total', expected => false)),
    (SELECT ARRAY[1, value] FROM kpi.query('{customers}', '2026-01-01', '2026-01-05', '{"shop": "Mall"}', grain => 'total', expected => false)), 'beside a source that keeps no values');

-- a transaction of one's own
BEGIN;
INSERT INTO public.buy SELECT i, '2026-02-10 10:00Z'::timestamptz + i % 9 * interval '1 hour', 'Mall', i % 3, 'new' || i % 5, i % 7, 1 FROM generate_series(10000, 10030) i;
SELECT t.counts('own inserts');
SAVEPOINT one;
DELETE FROM public.buy WHERE customer = 'c1';
UPDATE public.buy SET customer = 'new1' WHERE customer IN ('c2', 'c3', 'new2');
SELECT t.counts('own changes behind a savepoint');
ROLLBACK TO one;
SELECT t.counts('rolled back to it');
SAVEPOINT two;
UPDATE public.buy SET shop = 'Kiosk' WHERE id % 5 = 0;
UPDATE public.buy SET customer = NULL WHERE id % 7 = 0;
RELEASE two;
UPDATE public.buy SET price = price + 1 WHERE id % 2 = 0;
SELECT t.counts('released');
SELECT t.same('buy', 'released: sums and verify');
COMMIT;
SELECT t.counts('committed');
SELECT t.exact('buy', 'committed: sums and verify');
SELECT t.counts('merged and rebuilt');

-- each value once, by the equality of its type
INSERT INTO public.buy SELECT 20000 + i, '2026-03-01 10:00Z', 'Mall', 1, CASE i WHEN 1 THEN '' ELSE 'c1' END, CASE i WHEN 1 THEN 1.0 WHEN 2 THEN 1.00 ELSE 'NaN' END, 1
  FROM generate_series(1, 4) i;
SELECT t.counts('1.0 is 1.00, NaN is NaN');
SELECT kpi.merge('buy');
SELECT t.counts('also when merged');
DELETE FROM public.buy WHERE id IN (20001, 20003);
SELECT kpi.merge('buy');
SELECT t.counts('a value stays while one of its rows does');
DELETE FROM public.buy WHERE id IN (20002, 20004);
SELECT kpi.merge('buy');
SELECT t.counts('and goes with the last');
SELECT is_empty($$SELECT FROM kpi_data.buy_rollup_day WHERE v1 = 'NaN'$$, 'nothing is left of it');

-- a value in the rows of every writer; moved in time and between segments
UPDATE public.buy SET at = at + interval '5 days' WHERE id % 13 = 0;
UPDATE public.buy SET kind = kind + 1, shop = upper(shop) WHERE id % 17 = 0;
DELETE FROM public.buy WHERE id % 19 = 0;
SELECT t.counts('moved');
SELECT t.exact('buy', 'moved: sums and verify');
SELECT t.counts('moved and merged');

BEGIN; TRUNCATE public.buy; SELECT t.counts('emptied'); ROLLBACK;
SELECT t.counts('not emptied');
CREATE TABLE public.kept AS TABLE public.buy;
TRUNCATE public.buy;
INSERT INTO public.buy SELECT * FROM public.kept WHERE id % 3 > 0;
SELECT t.counts('emptied and filled anew');
CALL kpi.work();
SELECT is_empty('SELECT FROM kpi.dirty', 'repaired');
SELECT t.counts('repaired');
ALTER TABLE public.buy DISABLE TRIGGER kpi_capture_buy;
UPDATE public.buy SET customer = 'unseen' || id % 4 WHERE id % 6 = 1;
DELETE FROM public.buy WHERE id % 23 = 0;
ALTER TABLE public.buy ENABLE TRIGGER kpi_capture_buy;
CALL kpi.work();
SELECT t.counts('what no trigger saw is added by the repair');
SELECT t.exact('buy', 'repaired: sums and verify');

-- damage
CREATE TABLE t.lost AS SELECT min(v2) AS customer FROM kpi_data.buy_rollup_day WHERE level >> 12 = 2 AND day = '2026-02-03';
DELETE FROM kpi_data.buy_rollup_day r USING t.lost l WHERE r.level >> 12 = 2 AND r.v2 = l.customer AND r.day = '2026-02-03';
UPDATE kpi_data.buy_rollup_hour SET n = n + 1 WHERE ctid = (SELECT min(ctid) FROM kpi_data.buy_rollup_hour WHERE level >> 12 = 1 AND day = '2026-02-04');
SELECT results_eq($$SELECT grain, measure, count(*)::int, bool_and(segment ? CASE measure WHEN 'cards' THEN 'card' ELSE 'customer' END AND segment ?& '{shop,kind}') FROM kpi.verify('buy') GROUP BY 1, 2 ORDER BY 1$$,
    $$VALUES ('day', 'customers', (SELECT count(DISTINCT (shop, kind))::int FROM public.buy JOIN t.lost USING (customer) WHERE (at AT TIME ZONE 'Europe/Madrid')::date = '2026-02-03'), true), ('hour', 'cards', 1, true)$$,
    'verify shows the segment with the value');
SELECT kpi.rebuild('buy', '2026-02-03', '2026-02-05');
SELECT is_empty($$SELECT * FROM kpi.verify('buy')$$, 'rebuild mends it');

-- frozen days keep what they had
CREATE TABLE public.january AS SELECT day, segment, value FROM kpi.query('{customers}', '2026-01-01', '2026-01-31', by => '{shop}');
SELECT kpi.freeze('buy', '2026-02-01');
DELETE FROM public.buy WHERE at < '2026-01-31 23:00Z';
SELECT results_eq($$SELECT day, segment, value FROM kpi.query('{customers}', '2026-01-01', '2026-01-31', by => '{shop}')$$, 'TABLE public.january', 'a frozen month stays');
SELECT kpi.merge('buy');
SELECT results_eq($$SELECT day, segment, value FROM kpi.query('{customers}', '2026-01-01', '2026-01-31', by => '{shop}')$$, 'TABLE public.january', 'after a merge too');
SELECT t.same('buy', 'and is no difference') FROM (SELECT kpi.freeze('buy', '-infinity')) thawed;
SELECT t.counts('thawed it follows the facts');
CALL kpi.work();
SELECT t.counts('thawed and repaired');

-- formulas, comparisons, names
SELECT kpi.define('per_customer', 'spent / customers');
SELECT results_eq($$SELECT day, round(value, 8) FROM kpi.query('{per_customer}', '2026-02-01', '2026-02-20')$$,
    $$SELECT d::date, round(sum(price) / nullif(count(DISTINCT customer), 0), 8) FROM generate_series('2026-02-01'::timestamp, '2026-02-20', '1 day') d
        LEFT JOIN public.buy ON (at AT TIME ZONE 'Europe/Madrid')::date = d::date GROUP BY 1 ORDER BY 1$$, 'a formula over a distinct count');
SELECT results_eq($$SELECT value, compared FROM kpi.query('{customers}', '2026-02-16', '2026-03-01', grain => 'total', compare => 'previous')$$,
    $$SELECT (SELECT count(DISTINCT customer)::numeric FROM public.buy WHERE (at AT TIME ZONE 'Europe/Madrid')::date BETWEEN '2026-02-16' AND '2026-03-01'),
             (SELECT count(DISTINCT customer)::numeric FROM public.buy WHERE (at AT TIME ZONE 'Europe/Madrid')::date BETWEEN '2026-02-02' AND '2026-02-15')$$, 'compared with the range before');
ALTER VIEW public.buy_facts RENAME COLUMN customer TO client;
INSERT INTO public.buy VALUES (30000, '2026-02-02 12:00Z', 'Mall', 1, 'renamed', 1, 1);
ALTER VIEW public.buy_facts RENAME COLUMN client TO customer;
SELECT t.counts('a renamed column is followed');
SELECT t.exact('buy', 'renamed: sums and verify');

-- expected_so_far looks at the same minutes of earlier weeks
CREATE TABLE public.visit (at timestamptz, who int);
CREATE VIEW public.visit_facts AS SELECT at, 1 AS visits, who FROM public.visit;
INSERT INTO public.visit SELECT now() - interval '30 minutes' - i * interval '1 hour', i * i % 11 FROM generate_series(0, 1500) i;
SELECT kpi.track('public.visit_facts', 'at', name => 'visit', timezone => 'UTC', build => 'now', aggregates => '{"visitors": {"distinct": "who"}}');
SELECT is((SELECT expected_so_far FROM kpi.query('{visitors}', 'today')),
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY c)::numeric FROM (SELECT w, count(DISTINCT who) AS c FROM generate_series(1, 8) w
       LEFT JOIN public.visit ON at >= date_trunc('day', now()) - w * interval '7 days' AND at < now() - w * interval '7 days' GROUP BY w) x), 'expected so far');

-- the rest of the segments does not add up, and has no value
SELECT results_eq($$SELECT segment, metric, value, compared FROM kpi.query('{customers,spent,per_customer}', '2026-02-01', '2026-02-20', by => '{shop}', grain => 'total', compare => 'previous', top => 2)$$,
    $$SELECT CASE WHEN o THEN '{"shop": "others"}' ELSE q.segment END, q.metric, CASE WHEN NOT o OR q.metric = 'spent' THEN sum(q.value) END, CASE WHEN NOT o OR q.metric = 'spent' THEN sum(q.compared) END
        FROM kpi.query('{customers,spent,per_customer}', '2026-02-01', '2026-02-20', by => '{shop}', grain => 'total', compare => 'previous') q
        JOIN (SELECT segment, row_number() OVER (ORDER BY value DESC, segment) > 2 AS o FROM kpi.query('{customers}', '2026-02-01', '2026-02-20', by => '{shop}', grain => 'total')) r USING (segment)
       GROUP BY o, 1, 2 ORDER BY o, 1, array_position('{customers,spent,per_customer}', q.metric)$$, 'top two shops by customers');

-- what has no meaning is refused
SELECT throws_ok($$SELECT * FROM kpi.query('{per_customer}', '7d', show => '{running}')$$, '0A000', $$show => 'running' adds values up, but "per_customer" does not add up$$);
SELECT throws_ok($$SELECT * FROM kpi.explain('customers', '2026-02-03')$$, '0A000', 'metric "customers" cannot be explained');
CREATE VIEW public.other_facts AS SELECT at, shop, price AS other_spent, customer, card, '{}'::json AS note, kind FROM public.buy;
CREATE FUNCTION t.refused(aggregates jsonb, state char(5), message text, capture text DEFAULT 'auto') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT throws_ok(format('SELECT kpi.track(''public.other_facts'', ''at'', ''{shop}'', name => ''other'', capture => %L, aggregates => %L)', capture, aggregates), state, message) $$;
SELECT t.refused('[1]', '22023', 'aggregates must be a JSON object of measures by name');
SELECT t.refused('{"others": "customer"}', '22023', 'aggregate "others" must be an object with one kind of measure');
SELECT t.refused('{"others": {"median": "card"}}', '22023', 'aggregate "others" is of unknown kind "median"');
SELECT t.refused('{"others": {"distinct": "nosuch"}}', '42703', 'column of aggregate "others", "nosuch" is not a column of the facts view');
SELECT t.refused('{"others": {"distinct": "shop"}}', '42701', 'column "shop" is named twice');
SELECT t.refused('{"others": {"distinct": "note"}}', '42804', 'column of aggregate "others", "note" is of type json, which cannot be hashed');
SELECT t.refused('{"other_spent": {"distinct": "customer"}}', '42710', 'aggregate "other_spent" has the name of a measure');
SELECT t.refused('{"customers": {"distinct": "customer"}}', '42710', 'measure or metric "customers" exists already');
SELECT t.refused('{"Others": {"distinct": "customer"}}', '42602', 'invalid metric name "Others"');
SELECT t.refused('{"others": {"distinct": "customer"}}', '0A000', 'aggregates such as "others" need trigger capture', 'window');
SELECT throws_ok($$SELECT kpi.untrack('buy')$$, '2BP01', 'cannot untrack source "buy" because metrics use its measures');
SELECT kpi.undefine('per_customer'), kpi.untrack('buy');
SELECT is_empty($$SELECT name FROM kpi.counted WHERE source = 'buy' UNION ALL SELECT name FROM kpi.metric WHERE measure IN ('customers', 'cards')$$, 'untracked: nothing is left');
-- the planner's estimate is the limit
ANALYZE public.buy;
ALTER TABLE public.buy ALTER customer SET (n_distinct = -1);
ANALYZE public.buy;
UPDATE pg_class SET reltuples = 1e9, relpages = pg_relation_size(oid) / 8192 WHERE oid = 'public.buy'::regclass;
SELECT throws_like($$SELECT kpi.track('public.other_facts', 'at', '{shop}', name => 'other', aggregates => '{"others": {"distinct": "customer"}}')$$, 'aggregate "others" would keep about % values of column "customer"');
SELECT * FROM finish();
