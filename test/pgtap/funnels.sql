-- as: superuser
-- kpi.funnel and kpi.retention against plain SQL over the facts: by hour and day, by segment, filtered, before and after merge, in own
-- transactions, frozen, across a change of the clock.
\ir ../tools/exact.sql
CREATE TABLE public.lead (id int PRIMARY KEY, at timestamptz, shop text, kind int, customer int);
CREATE TABLE public.pay (id int PRIMARY KEY, at timestamptz, method text, customer int, other text);
CREATE VIEW public.lead_facts AS SELECT at, shop, kind, 1 AS leads, customer AS lead_customer FROM public.lead;
CREATE VIEW public.pay_facts AS SELECT at, method, 1 AS payments, customer AS pay_customer, other FROM public.pay;
-- the clock of Madrid goes forward on 2026-03-29 and back on 2025-10-26
INSERT INTO public.lead SELECT i, '2026-03-20 10:00Z'::timestamptz + i * 7 % 1200 * interval '17 min', (ARRAY['Mall', 'Market', 'Kiosk', NULL])[1 + i % 4], i % 3,
    CASE WHEN i % 11 > 0 THEN i * 7 % 160 END FROM generate_series(1, 900) i;
INSERT INTO public.pay SELECT i, '2026-03-20 12:00Z'::timestamptz + i * 11 % 1300 * interval '19 min', (ARRAY['card', 'cash'])[1 + i * i % 3 % 2],
    CASE WHEN i % 13 > 0 THEN i * 5 % 200 END, 'x' FROM generate_series(1, 500) i;
INSERT INTO public.pay SELECT 1000 + customer, at + (customer % 50 - 10) * interval '1 min', 'card', customer, 'x'
  FROM (SELECT DISTINCT ON (customer) * FROM public.lead WHERE customer % 7 = 1 ORDER BY customer, at) l;
SET timezone = 'UTC';

SELECT plan(51);
SELECT kpi.track('public.lead_facts', 'at', '{shop,kind}', name => 'lead', timezone => 'Europe/Madrid', hour_retention => '100 years',
    aggregates => '{"leaders": {"distinct": "lead_customer"}}');
SELECT kpi.track('public.pay_facts', 'at', '{method}', name => 'pay', timezone => 'Europe/Madrid', hour_retention => '100 years',
    aggregates => '{"payers": {"distinct": "pay_customer"}, "others": {"distinct": "other"}}');

-- Leads, any payment, a payment in cash: the best attempt of each customer and shop, by hour, by day (on the clock of UTC, whose days are alike) or as it was.
CREATE FUNCTION t.attempts(grain text, since timestamptz, until timestamptz, within interval, strict boolean, leads text)
    RETURNS TABLE (segment jsonb, customer int, t1 timestamptz, t2 timestamptz, t3 timestamptz) LANGUAGE plpgsql SET timezone = 'Europe/Madrid' AS $$
BEGIN
    RETURN QUERY EXECUTE format($q$
        WITH l AS (SELECT jsonb_build_object('shop', shop) AS segment, customer, %1$s AS t, at FROM public.lead WHERE customer IS NOT NULL AND at >= %2$L AND at < %3$L AND %7$s),
             p AS (SELECT method, customer, %1$s AS t FROM public.pay WHERE customer IS NOT NULL AND at >= %2$L)
        SELECT DISTINCT ON (l.segment, l.customer) l.segment, l.customer, l.t, b.t, c.t FROM l
        LEFT JOIN LATERAL (SELECT min(p.t) AS t FROM p WHERE p.customer = l.customer AND p.t %6$s l.t AND p.t %5$s l.t + %4$L::interval) b ON true
        LEFT JOIN LATERAL (SELECT min(p.t) AS t FROM p WHERE p.customer = l.customer AND p.method = 'cash' AND p.t %6$s b.t AND p.t %5$s l.t + %4$L::interval) c ON true
        ORDER BY l.segment, l.customer, (b.t IS NULL)::int + (c.t IS NULL)::int, l.t$q$,
        CASE grain WHEN 'exact' THEN 'at' WHEN 'hour' THEN $x$date_trunc('hour', at)$x$ ELSE $x$(date_trunc('day', at)::timestamp AT TIME ZONE 'UTC')$x$ END,
        since, until, within, CASE WHEN strict THEN '<' ELSE '<=' END, CASE WHEN strict THEN '>' ELSE '>=' END, leads);
END $$;
-- One line for every step and segment that differs.
CREATE FUNCTION t.funnels(grain text, filters jsonb DEFAULT '{}', leads text DEFAULT 'true', since date DEFAULT '2026-03-21', until date DEFAULT '2026-03-30') RETURNS SETOF text LANGUAGE sql AS $$
    WITH range AS (SELECT since::timestamp AT TIME ZONE 'Europe/Madrid' AS a, (until + 1)::timestamp AT TIME ZONE 'Europe/Madrid' AS b),
    most AS (SELECT x.* FROM range, t.attempts(grain, a, b, CASE grain WHEN 'day' THEN interval '72 hours' ELSE '2 days 2 hours' END, false, leads) x),
    surely AS (SELECT x.* FROM range, t.attempts(grain, a, b, CASE grain WHEN 'day' THEN interval '48 hours' ELSE '2 days 2 hours' END, true, leads) x),
    counted AS (
        SELECT segment, step, count(*) AS reached, percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS took
          FROM most, LATERAL (VALUES (1, t1, NULL::interval), (2, t2, t2 - t1), (3, t3, t3 - t2)) s(step, t, took) WHERE t IS NOT NULL GROUP BY 1, 2),
    certain AS (SELECT segment, step, count(*) AS certain FROM surely, LATERAL (VALUES (1, t1), (2, t2), (3, t3)) s(step, t) WHERE t IS NOT NULL GROUP BY 1, 2),
    expected AS (
        SELECT g.segment, s.step, coalesce(c.reached, 0) AS reached, coalesce(x.certain, 0) AS certain, round(100.0 * coalesce(c.reached, 0) / f.reached, 2) AS pct, c.took
          FROM (SELECT DISTINCT segment FROM counted) g CROSS JOIN generate_series(1, 3) s(step) JOIN counted f ON f.segment = g.segment AND f.step = 1
          LEFT JOIN counted c ON c.segment = g.segment AND c.step = s.step LEFT JOIN certain x ON x.segment = g.segment AND x.step = s.step),
    actual AS (
        SELECT segment, step, reached, certain, conversion_pct, median_time
          FROM kpi.funnel('{leaders,payers,payers}', since::text, until::text, '2 days 2 hours', '{shop}', jsonb_build_array(filters, '{}'::jsonb, '{"method": "cash"}'::jsonb), grain))
    SELECT 'misses ' || x::text FROM (SELECT * FROM expected EXCEPT ALL SELECT * FROM actual) x
    UNION ALL SELECT 'has wrongly ' || x::text FROM (SELECT * FROM actual EXCEPT ALL SELECT * FROM expected) x $$;
CREATE FUNCTION t.right(what text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT t.report(ARRAY(SELECT t.funnels('hour')), what || ': by hour')
    UNION ALL SELECT t.report(ARRAY(SELECT t.funnels('day')) || ARRAY(SELECT t.funnels('hour', '{"kind": [1, 2]}', 'kind IN (1, 2)')), what || ': by day, and filtered') $$;

SELECT t.right('not built yet');
SELECT kpi.rebuild('lead'), kpi.rebuild('pay');
SELECT t.right('built');
SELECT isnt_empty($$SELECT FROM kpi.funnel('{leaders,payers,payers}', '2026-03-21', '2026-03-30', '2 days 2 hours', filters => '[{},{},{"method": "cash"}]') WHERE step = 3 AND certain > 0 AND reached < 100$$,
    'there is something to count');
SELECT isnt_empty($$SELECT FROM kpi.funnel('{leaders,payers}', '2026-03-21', '2026-03-30', '2 days 2 hours') WHERE step = 2 AND certain < reached$$, 'and something that nobody knows for sure');

-- The truth to the microsecond lies between the two counts.
CREATE FUNCTION t.between() RETURNS SETOF text LANGUAGE sql AS $$
    WITH truth AS (SELECT segment, step, count(*) AS n FROM t.attempts('exact', '2026-03-20 23:00Z', '2026-03-30 22:00Z', '2 days 2 hours', false, 'true'),
        LATERAL (VALUES (1, t1), (2, t2), (3, t3)) s(step, t) WHERE t IS NOT NULL GROUP BY 1, 2)
    SELECT g || f::text || n FROM unnest('{hour,day}'::text[]) g,
        kpi.funnel('{leaders,payers,payers}', '2026-03-21', '2026-03-30', '2 days 2 hours', '{shop}', '[{},{},{"method": "cash"}]', g) f LEFT JOIN truth USING (segment, step)
     WHERE coalesce(n, 0) NOT BETWEEN certain AND reached $$;
SELECT is_empty('SELECT t.between()', 'the truth to the microsecond lies between certain and reached');

-- The first step is what kpi.query counts; without dimensions a key of several segments counts once.
SELECT results_eq($$SELECT segment, reached FROM kpi.funnel('{leaders,payers}', '2026-03-21', '2026-03-30', by => '{shop,kind}') WHERE step = 1 ORDER BY 1$$,
    $$SELECT segment, value::bigint FROM kpi.query('{leaders}', '2026-03-21', '2026-03-30', by => '{shop,kind}', grain => 'total', expected => false) ORDER BY 1$$, 'the first step by segment');
SELECT results_eq($$SELECT reached FROM kpi.funnel('{leaders,payers}', '2026-03-21', '2026-03-30') WHERE step = 1$$,
    $$SELECT value::bigint FROM kpi.query('{leaders}', '2026-03-21', '2026-03-30', grain => 'total', expected => false)$$, 'and in all');

-- own changes, savepoints, deletes of the first step
BEGIN;
DELETE FROM public.lead WHERE customer = 22 OR id % 9 = 0;
INSERT INTO public.pay SELECT 5000 + i, '2026-03-28 23:30Z'::timestamptz + i * interval '3 hours', 'cash', i * 3, 'y' FROM generate_series(1, 40) i;
SELECT t.right('own changes');
SAVEPOINT one;
UPDATE public.lead SET customer = customer + 1, shop = 'Mall' WHERE id % 5 = 0;
SELECT t.right('behind a savepoint');
ROLLBACK TO one;
SELECT t.right('rolled back');
COMMIT;
SELECT t.right('committed');
SELECT kpi.merge('lead'), kpi.merge('pay');
SELECT t.right('merged');
SELECT is_empty($$SELECT FROM public.lead WHERE customer = 22$$, 'one key has lost its first step');
TRUNCATE public.pay;
SELECT is((SELECT array_agg(reached ORDER BY step) FROM kpi.funnel('{leaders,payers}', '2026-03-21', '2026-03-30'))[2], 0::bigint, 'nobody reaches a step that has lost its rows');
INSERT INTO public.pay SELECT i, '2026-03-20 12:00Z'::timestamptz + i * 11 % 1300 * interval '19 min', (ARRAY['card', 'cash'])[1 + i % 2], i * 5 % 200, 'x' FROM generate_series(1, 500) i;
SELECT t.right('emptied and filled anew');
CALL kpi.work();
SELECT t.right('repaired');

-- The same step once more is a later event.
SELECT results_eq($$SELECT reached FROM kpi.funnel('{payers,payers}', '2026-03-21', '2026-03-30', '3 days') ORDER BY step$$,
    $$WITH p AS (SELECT customer, date_trunc('hour', at) AS h, at FROM public.pay WHERE customer IS NOT NULL)
      SELECT unnest(ARRAY[count(DISTINCT a.customer), count(DISTINCT b.customer)]) FROM p a LEFT JOIN p b ON b.customer = a.customer AND b.h > a.h
         AND b.h <= ((a.h AT TIME ZONE 'Europe/Madrid') + interval '3 days') AT TIME ZONE 'Europe/Madrid' WHERE a.at >= '2026-03-20 23:00Z' AND a.at < '2026-03-30 22:00Z'$$, 'the same step again');

-- nothing there
SELECT results_eq($$SELECT step, metric, segment, reached, certain, conversion_pct, of_previous_pct, median_time, is_complete FROM kpi.funnel('{leaders,payers}', '2020-01-01', '2020-01-31')$$,
    $$VALUES (1, 'leaders', '{}'::jsonb, 0::bigint, 0::bigint, NULL::numeric, NULL::numeric, NULL::interval, true), (2, 'payers', '{}', 0, 0, NULL, NULL, NULL, true)$$, 'an empty range');
SELECT is_empty($$SELECT FROM kpi.funnel('{leaders,payers}', '2020-01-01', '2020-01-31', by => '{shop}')$$, 'has no segments');
SELECT results_eq($$SELECT step, is_complete FROM kpi.funnel('{leaders,payers}', 'yesterday', within => '10 days')$$, $$VALUES (1, true), (2, false)$$, 'who came yesterday may still convert');

-- retention
CREATE FUNCTION t.retentions(grain text, by name[], other boolean DEFAULT false) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format($q$
        WITH l AS (SELECT customer, (at AT TIME ZONE 'Europe/Madrid')::date AS day, %2$s AS segment FROM public.lead WHERE customer IS NOT NULL),
        back AS (SELECT customer, (at AT TIME ZONE 'Europe/Madrid')::date AS day FROM public.%3$s WHERE customer IS NOT NULL),
        born AS (SELECT customer, min(day) AS day FROM l GROUP BY 1),
        member AS (SELECT DISTINCT l.segment, customer, day, date_trunc(%1$L, day::timestamp) AS cohort FROM born JOIN l USING (customer, day) WHERE day BETWEEN '2026-03-22' AND '2026-04-02'),
        expected AS (SELECT m.cohort::date, m.segment, p::int, count(DISTINCT m.customer), count(DISTINCT b.customer) FROM member m CROSS JOIN generate_series(0, 3) p
            LEFT JOIN back b ON b.customer = m.customer AND b.day >= m.day AND date_trunc(%1$L, b.day::timestamp) = m.cohort + p * %4$L::interval GROUP BY 1, 2, 3),
        actual AS (SELECT cohort, segment, period, size, returned FROM kpi.retention('leaders', '2026-03-22', '2026-04-02', %1$L, 3, %5$L, %6$L) WHERE size > 0)
        SELECT 'misses ' || x::text FROM (TABLE expected EXCEPT ALL TABLE actual) x UNION ALL SELECT 'has wrongly ' || x::text FROM (TABLE actual EXCEPT ALL TABLE expected) x$q$,
        grain, CASE by WHEN '{}' THEN '''{}''::jsonb' ELSE 'jsonb_build_object(''shop'', shop)' END, CASE WHEN other THEN 'pay' ELSE 'lead' END, '1 ' || grain,
        CASE WHEN other THEN 'payers' END, by);
END $$;
SELECT t.report(ARRAY(SELECT r FROM unnest('{day,week,month}'::text[]) g, t.retentions(g, '{}') r), 'cohorts');
SELECT t.report(ARRAY(SELECT r FROM unnest('{day,week,month}'::text[]) g, t.retentions(g, '{shop}') r), 'cohorts by segment');
SELECT t.report(ARRAY(SELECT r FROM unnest('{day,week,month}'::text[]) g, t.retentions(g, '{shop}', true) r), 'cohorts that come back elsewhere');
SELECT results_eq($$SELECT size, returned FROM kpi.retention('leaders', '2026-03-22', '2026-04-02', 'month') WHERE period = 0$$,
    $$SELECT size, size FROM kpi.retention('leaders', '2026-03-22', '2026-04-02', 'month') WHERE period = 0$$, 'the first period is the cohort');
SELECT results_eq($$SELECT cohort, period, size, returned, returned_pct, is_complete FROM kpi.retention('leaders', '2020-01-01', '2020-01-31', 'month', 1)$$,
    $$VALUES ('2020-01-01'::date, 0, 0::bigint, 0::bigint, NULL::numeric, true), ('2020-01-01', 1, 0, 0, NULL, true)$$, 'an empty cohort');
SELECT results_eq($$SELECT period, is_complete FROM kpi.retention('leaders', 'today', grain => 'day', periods => 5)$$, $$VALUES (0, false)$$, 'periods to come are left out');

-- what is asked for wrongly
SELECT throws_ok($$SELECT kpi.funnel('{leaders,others}', '30d')$$, '42804', '"leaders" and "others" have keys of different types');
SELECT throws_ok($$SELECT kpi.funnel('{leaders,payments}', '30d')$$, '22023', 'metric "payments" counts no distinct values');
SELECT throws_ok($$SELECT kpi.funnel('{leaders,nobody}', '30d')$$, '42704', 'metric "nobody" does not exist');
SELECT throws_ok($$SELECT kpi.funnel('{leaders}', '30d')$$, '22023', 'a funnel has at least two steps');
SELECT throws_ok($$SELECT kpi.funnel('{leaders,payers}', '30d', by => '{method}')$$, '22023', 'source "lead" has no dimension "method"');
SELECT throws_ok($$SELECT kpi.funnel('{leaders,payers}', '30d', within => '1 month')$$, '22023', 'argument "within" must not count in months or years');
SELECT throws_ok($$SELECT kpi.funnel('{leaders,payers}', '30d', filters => '[{},{},{}]')$$, '22023', 'there are 3 filters for 2 steps');
SELECT throws_ok($$SELECT kpi.retention('leaders', grain => 'hour')$$, '22023', 'cohorts by hour make no sense');
SELECT throws_ok($$SELECT kpi.funnel('{leaders,payers}', '0001-01-01')$$, '54000', 'the range must be at most 36600 days long');
SELECT throws_ok($$SELECT kpi.retention('leaders', '0001-01-01')$$, '54000', 'the range must be at most 36600 days long');
-- hours that nobody knows any more
UPDATE kpi.source SET hours_from = '2026-03-25';
SELECT is((SELECT min(resolution) FROM kpi.funnel('{leaders,payers}', '2026-03-21', '2026-03-30')), 'day', 'hours of a part: days of all');
SELECT t.report(ARRAY(SELECT t.funnels('hour')), 'older hours come from the facts');
SELECT kpi.freeze('lead', '2026-03-25'), kpi.freeze('pay', '2026-03-25');
SELECT throws_ok($$SELECT kpi.funnel('{leaders,payers}', '2026-03-21', '2026-03-30', grain => 'hour')$$, '55000', 'hours of "leaders" are not known from 2026-03-21 on');
CREATE TABLE public.frozen AS SELECT step, reached, certain, median_time FROM kpi.funnel('{leaders,payers}', '2026-03-21', '2026-03-30');
DELETE FROM public.lead WHERE at < '2026-03-24 23:00Z' AND id % 2 = 0;
SELECT results_eq($$SELECT step, reached, certain, median_time FROM kpi.funnel('{leaders,payers}', '2026-03-21', '2026-03-30')$$, 'TABLE public.frozen', 'frozen days keep their keys');
-- who may
CREATE ROLE funnel_reader;
SET ROLE funnel_reader;
SELECT throws_ok($$SELECT kpi.funnel('{leaders,payers}', '30d')$$, '42501');
RESET ROLE;
GRANT SELECT ON public.lead_facts, public.pay_facts TO funnel_reader;
SET ROLE funnel_reader;
SELECT lives_ok($$SELECT kpi.funnel('{leaders,payers}', '30d'), kpi.retention('leaders')$$, 'who may read the facts views may follow their keys');
RESET ROLE;
SELECT * FROM finish();
DROP OWNED BY funnel_reader;
DROP ROLE funnel_reader;
