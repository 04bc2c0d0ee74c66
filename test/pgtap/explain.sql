-- as: superuser
-- Why a metric moved: small counts that appear, rates however they are written, open days, filters, and when no part stands out.
SET timezone = 'UTC';
CREATE TABLE t (at timestamptz, carrier text, origin text, n int, hits int);
CREATE VIEW t_facts AS SELECT at, carrier, origin, n AS flights, hits AS cancelled FROM t;
SELECT plan(14);
SELECT kpi.track('t_facts', 'at', '{carrier,origin}', timezone => 'UTC', build => 'now') \gset
SELECT kpi.define('rate', '1.0 * cancelled / flights'), kpi.define('rate_pct', 'round(cancelled * 100 / nullif(flights, 0), 2)') \gset
-- Eleven carriers, three origins, a hundred flights a day each, none cancelled but one a week.
INSERT INTO t SELECT current_date - d + interval '10 hours', 'c' || c, 'o' || o, 100, (d % 7 = 0 AND c = 3 AND o = 1)::int
  FROM generate_series(0, 60) d, generate_series(1, 11) c, generate_series(1, 3) o;
-- Yesterday 22 are cancelled, 16 of them by one carrier.
UPDATE t SET hits = CASE WHEN carrier = 'c7' THEN 5 + (origin = 'o1')::int WHEN carrier IN ('c1', 'c5') THEN 1 ELSE hits END
 WHERE at::date = current_date - 1;
SELECT is((SELECT segment FROM kpi.explain('cancelled') WHERE rank = 1), '{"carrier": "c7"}'::jsonb, 'what appears from nothing is named');
SELECT is((SELECT value FROM kpi.explain('cancelled') WHERE rank = 1), 16::float8, 'with its count');
SELECT ok((SELECT share BETWEEN 0.6 AND 0.8 FROM kpi.explain('cancelled') WHERE rank = 1), 'and its share of the change');
SELECT is((SELECT segment FROM kpi.explain('rate') WHERE rank = 1), '{"carrier": "c7"}'::jsonb, 'a rate written 1.0 * a / b');
SELECT is((SELECT round(value::numeric, 4) FROM kpi.explain('rate') WHERE rank = 1), 0.0533, 'is a rate');
SELECT is((SELECT segment FROM kpi.explain('rate_pct') WHERE rank = 1), '{"carrier": "c7"}'::jsonb, 'one in per cent, rounded');
SELECT is((SELECT round(value::numeric, 2) FROM kpi.explain('rate_pct') WHERE rank = 1), 5.33, 'is one too');
SELECT ok((SELECT bool_and(upper <= 1 AND lower >= 0) FROM kpi.anomalies('rate', '14d', by => '{carrier}')), 'and its bounds are possible');
SELECT is((SELECT segment FROM kpi.explain('cancelled', by => '{origin}', filters => '{"carrier": "c7"}') WHERE rank = 1) ->> 'origin' IS NOT NULL
          OR (SELECT presence FROM kpi.explain('cancelled', by => '{origin}', filters => '{"carrier": "c7"}') WHERE rank = 1) = 'overall', true, 'within a filter');
-- Everywhere alike.
UPDATE t SET n = 200 WHERE at::date = current_date - 1;
SELECT is((SELECT presence FROM kpi.explain('flights')), 'overall', 'no part stands out: said in words');
SELECT is((SELECT share FROM kpi.explain('flights')), 1::float8, 'the whole is all of it');
-- Shares are shares.
UPDATE t SET n = CASE carrier WHEN 'c1' THEN 1000 WHEN 'c2' THEN 0 ELSE 100 END WHERE at::date = current_date - 1;
SELECT is_empty('SELECT * FROM kpi.explain(''flights'') WHERE share NOT BETWEEN 0 AND 1', 'no share below 0 or above 1');
-- An hour.
INSERT INTO t SELECT current_date - 1 + interval '15 hours 20 minutes', 'c2', 'o1', 0, 1 FROM generate_series(1, 12);
INSERT INTO t SELECT current_date - 1 + interval '15 hours 20 minutes', 'c' || c, 'o1', 0, 0 FROM generate_series(1, 11) c;
SELECT is((SELECT segment || jsonb_build_object('value', value) FROM kpi.explain('cancelled', to_char(current_date - 1, 'YYYY-MM-DD') || ' 15:30Z', by => '{carrier}', grain => 'hour') WHERE rank = 1),
    '{"carrier": "c2", "value": 12}'::jsonb, 'an hour is explained');
SELECT throws_ok($$SELECT * FROM kpi.explain('cancelled', grain => 'week')$$, '22023', NULL, 'a week is not');
SELECT * FROM finish();
