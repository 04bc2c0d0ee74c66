-- as: superuser
-- Order, top and the rest, shares, running totals, moving averages, patterns and words of ranges: against window functions over the facts.
CREATE TABLE public.buy (at timestamptz, shop text, kind int, price numeric);
CREATE VIEW public.buy_facts AS SELECT at, shop, kind, 1 AS buys, price AS spent FROM public.buy;
INSERT INTO public.buy SELECT '2026-01-01'::timestamptz + i * interval '97 min', (ARRAY['Mall', 'Market', 'Kiosk', 'Depot', NULL])[1 + i * i * i % 5], i % 4, 1 + i % 31 * (1 + i * i * i % 5)
  FROM generate_series(0, 900) i;
SELECT kpi.track('public.buy_facts', 'at', '{shop,kind}', name => 'buy', timezone => 'UTC');
SELECT kpi.define('ticket', 'spent / buys');
SELECT kpi.rebuild('buy');
CREATE VIEW public.daily AS SELECT at::date AS day, shop, count(*)::numeric AS buys, sum(price) AS spent FROM public.buy GROUP BY 1, 2;
SET timezone = 'UTC';

SELECT plan(27);

-- the truth of a bucket, filled
CREATE VIEW public.filled AS
SELECT d::date AS day, s.shop, coalesce(sum(b.spent), 0) AS spent
  FROM generate_series('2026-01-01'::timestamp, '2026-02-20', '1 day') d CROSS JOIN (SELECT DISTINCT shop FROM public.daily) s
  LEFT JOIN public.daily b ON b.day = d::date AND b.shop IS NOT DISTINCT FROM s.shop GROUP BY 1, 2;

SELECT results_eq($$SELECT day, segment ->> 'shop', value, running, round(average, 8) FROM kpi.query('{spent}', '2026-01-20', '2026-02-10', by => '{shop}', show => '{running,avg7}') ORDER BY 2, 1$$,
    $$SELECT day, shop, spent, running, round(average, 8) FROM (SELECT day, shop, spent, sum(spent) FILTER (WHERE day >= '2026-01-20') OVER w AS running,
          avg(spent) OVER (PARTITION BY shop ORDER BY day ROWS 6 PRECEDING) AS average FROM public.filled WINDOW w AS (PARTITION BY shop ORDER BY day)) x
       WHERE day BETWEEN '2026-01-20' AND '2026-02-10' ORDER BY 2, 1$$, 'running total and average of seven days, the range widened by itself');
SELECT results_eq($$SELECT day, segment ->> 'shop', round(share, 8) FROM kpi.query('{spent}', '2026-01-20', '2026-02-10', by => '{shop}', show => '{share}') ORDER BY 2, 1$$,
    $$SELECT day, shop, round(spent / sum(spent) OVER (PARTITION BY day), 8) FROM public.filled WHERE day BETWEEN '2026-01-20' AND '2026-02-10' ORDER BY 2, 1$$, 'shares of a day');
SELECT is((SELECT round(sum(share), 6) FROM kpi.query('{spent}', '2026-01-01', '2026-02-20', by => '{shop,kind}', grain => 'total', show => '{share}')), 1.000000, 'shares add up to one');
SELECT is((SELECT count(*)::int FROM kpi.query('{spent}', '2026-01-20', '2026-01-21', show => '{avg7}')), 2, 'what the range was widened by is not shown');
-- averages of every width over buckets without a value (hours without a purchase) and with NaN, which must end with its window
SELECT kpi.define('odd', 'CASE WHEN spent % 7 = 1 THEN ''NaN''::numeric ELSE spent / buys END');
SELECT is_empty($$
    SELECT width, a.bucket, a.average, t.average FROM unnest('{2,3,5,24,25,96}'::int[]) width
    CROSS JOIN LATERAL kpi.query('{odd}', '2026-01-20', '2026-01-24', grain => 'hour', show => ARRAY['avg' || width]) a
    JOIN LATERAL (SELECT b.bucket, avg(b.value) OVER (ORDER BY b.bucket ROWS width - 1 PRECEDING) AS average
                    FROM kpi.query('{odd}', '2026-01-14', '2026-01-24', grain => 'hour') b) t USING (bucket)
    WHERE round(a.average, 8) IS DISTINCT FROM round(t.average, 8)$$, 'averages of every width, with NULL and NaN among the values');
SELECT ok((SELECT count(*) FILTER (WHERE average = 'NaN') > 0 AND count(*) FILTER (WHERE average <> 'NaN') > 0 AND count(*) FILTER (WHERE value IS NULL) > 0
             FROM kpi.query('{odd}', '2026-01-20', '2026-01-24', grain => 'hour', show => '{avg5}')), 'there are such values, and they end with their window');
SELECT results_eq($$SELECT share, running, average FROM kpi.query('{spent}', '2026-01-20', '2026-01-20')$$, $$VALUES (NULL::numeric, NULL::numeric, NULL::numeric)$$, 'only what is asked for');
SELECT throws_ok($$SELECT * FROM kpi.query('{spent}', '7d', show => '{median}')$$, '22023', '"median" cannot be shown');
SELECT throws_ok($$SELECT * FROM kpi.query('{spent}', '7d', grain => 'total', show => '{avg7}')$$, '22023', 'a moving average needs buckets, grain "total" has one');

-- top
CREATE VIEW public.ranked AS SELECT shop, sum(spent) AS spent, row_number() OVER (ORDER BY sum(spent) DESC) AS place FROM public.daily GROUP BY 1;
SELECT results_eq($$SELECT segment ->> 'shop', value FROM kpi.query('{spent}', '2026-01-01', '2026-03-31', by => '{shop}', grain => 'total', order_by => 'value desc', top => 2)$$,
    $$SELECT shop, spent FROM (SELECT CASE WHEN place <= 2 THEN shop ELSE 'others' END AS shop, sum(spent) AS spent, min(place) AS place FROM public.ranked GROUP BY 1) x ORDER BY place$$,
    'the two greatest and the rest, which comes last');
SELECT is((SELECT sum(value) FROM kpi.query('{spent}', '2026-01-20', '2026-02-10', by => '{shop,kind}', top => 3)),
    (SELECT sum(spent) FROM public.filled WHERE day BETWEEN '2026-01-20' AND '2026-02-10'), 'nothing is lost in the rest');
SELECT results_eq($$SELECT round(value, 8), round(compared, 8) FROM kpi.query('{spent,ticket}', '2026-01-20', '2026-02-10', by => '{shop}', grain => 'total', compare => 'previous', top => 1) WHERE segment ->> 'shop' = 'others' AND metric = 'ticket'$$,
    $$WITH first AS (SELECT shop FROM public.daily WHERE day BETWEEN '2026-01-20' AND '2026-02-10' GROUP BY 1 ORDER BY sum(spent) DESC LIMIT 1),
           rest AS (SELECT d.* FROM public.daily d, first f WHERE d.shop IS DISTINCT FROM f.shop)
      SELECT (SELECT round(sum(spent) / sum(buys), 8) FROM rest WHERE day BETWEEN '2026-01-20' AND '2026-02-10'),
             (SELECT round(sum(spent) / sum(buys), 8) FROM rest WHERE day BETWEEN '2025-12-29' AND '2026-01-19')$$,
    'a ratio of the rest is the ratio of its sums, compared too');
SELECT results_eq($$SELECT segment ->> 'shop' FROM kpi.query('{spent}', '2026-01-01', '2026-03-31', by => '{shop}', grain => 'total', order_by => 'value', top => 1)$$,
    $$SELECT shop FROM (SELECT shop, 1 AS o FROM public.ranked WHERE place = 5 UNION ALL SELECT 'others', 2) x ORDER BY o$$, 'in ascending order: the least');
SELECT is((SELECT count(*)::int FROM kpi.query('{spent}', '2026-01-01', '2026-03-31', by => '{shop}', grain => 'total', top => 5)), 5, 'without a rest there is none');
SELECT is((SELECT count(*)::int FROM kpi.query('{spent}', '2026-01-01', '2026-03-31', by => '{shop,kind}', top => 1, max_rows => 180)), 180, 'max_rows counts what is left');
SELECT throws_ok($$SELECT * FROM kpi.query('{spent}', '2026-01-01', '2026-03-31', by => '{shop,kind}', max_rows => 180)$$, '54000', 'the result has more than max_rows = 180 rows');
SELECT throws_ok($$SELECT * FROM kpi.query('{spent}', '7d', top => 3)$$, '22023', 'top needs dimensions');

-- order
SELECT results_eq($$SELECT value FROM kpi.query('{spent}', '2026-01-01', '2026-02-20', by => '{shop}', order_by => 'value desc')$$,
    $$SELECT spent FROM public.filled ORDER BY 1 DESC$$, 'by value');
SELECT ok((SELECT bool_and(c >= next OR next IS NULL) FROM (SELECT value - compared AS c, lead(value - compared) OVER (ORDER BY n) AS next
    FROM kpi.query('{spent}', '2026-01-08', '2026-02-20', compare => 'week', order_by => 'change desc') WITH ORDINALITY
         q(bucket, day, segment, metric, value, compared, is_complete, elapsed_fraction, expected_so_far, as_of, share, running, average, n)) x), 'by change');
SELECT is((SELECT array_agg(day) FROM kpi.query('{spent}', '2026-01-01', '2026-01-03', order_by => 'bucket desc')), '{2026-01-03,2026-01-02,2026-01-01}'::date[], 'latest first');
SELECT throws_ok($$SELECT * FROM kpi.query('{spent}', order_by => 'price desc')$$, '22023', 'rows cannot be ordered by "price desc"');

-- patterns
CREATE FUNCTION public.spent(filters jsonb) RETURNS numeric LANGUAGE sql AS $$SELECT value FROM kpi.query('{spent}', '2026-01-01', '2026-03-31', $1, grain => 'total')$$;
SELECT results_eq($$SELECT public.spent('{"shop": {"like": "M%"}}'), public.spent('{"shop": {"like": ["M%", "%k"]}}'), public.spent('{"shop": {"not_like": "M%"}}'), public.spent('{"kind": {"like": "1"}}')$$,
    $$SELECT sum(price) FILTER (WHERE shop LIKE 'M%'), sum(price) FILTER (WHERE shop LIKE 'M%' OR shop LIKE '%k'), sum(price) FILTER (WHERE shop IS NULL OR shop NOT LIKE 'M%'), sum(price) FILTER (WHERE kind = 1) FROM public.buy$$,
    'patterns');
SELECT throws_ok($$SELECT public.spent('{"shop": {"like": "M%", "not": "Mall"}}')$$, '22023', 'filter on "shop" is not understood');
SELECT throws_ok($$SELECT public.spent('{"kind": "many"}')$$, '22P02', 'filter on "kind": "many" is not a value of type integer');

-- words
SELECT results_eq($$SELECT word, min(day), max(day), count(*)::int FROM unnest('{wtd,last_week,last_month,last_quarter,last_year,20000d}'::text[]) WITH ORDINALITY w(word, n), kpi.query('{spent}', word, max_rows => NULL) GROUP BY 1, n ORDER BY n$$,
    $$WITH t AS (SELECT (now() AT TIME ZONE 'UTC')::date AS today)
      SELECT word, first, last, last - first + 1 FROM t, LATERAL (VALUES
        (1, 'wtd', date_trunc('week', today::timestamp)::date, today),
        (2, 'last_week', date_trunc('week', today::timestamp)::date - 7, date_trunc('week', today::timestamp)::date - 1),
        (3, 'last_month', (date_trunc('month', today::timestamp) - interval '1 month')::date, date_trunc('month', today::timestamp)::date - 1),
        (4, 'last_quarter', (date_trunc('quarter', today::timestamp) - interval '3 months')::date, date_trunc('quarter', today::timestamp)::date - 1),
        (5, 'last_year', (date_trunc('year', today::timestamp) - interval '1 year')::date, date_trunc('year', today::timestamp)::date - 1),
        (6, '20000d', today - 19999, today)) w(n, word, first, last) ORDER BY n$$, 'words of ranges');
SELECT throws_ok($$SELECT * FROM kpi.query('{spent}', 'last_week', 'today')$$, '22023', '"last_week" has an end of its own');
SELECT results_eq($$SELECT day, value FROM kpi.query('{spent}', '294276-12-30', '294276-12-31')$$, $$VALUES ('294276-12-30'::date, 0::numeric), ('294276-12-31', 0)$$, 'to the last days of PostgreSQL');
SELECT finish();
