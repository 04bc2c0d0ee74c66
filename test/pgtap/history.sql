-- as: superuser
-- Closed buckets as they were first seen: written once, compared with today, judged by a backtest.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(42);
CREATE ROLE historian; GRANT kpi_admin TO historian;
CREATE ROLE history_stranger; GRANT kpi_admin TO history_stranger;
CREATE SCHEMA shop AUTHORIZATION historian;
SET ROLE historian;
CREATE TABLE shop.sale (at timestamptz NOT NULL, country text, ok boolean NOT NULL DEFAULT true);
CREATE VIEW shop.sale_facts AS SELECT at, country, 1 AS sales, ok::int AS good_sales FROM shop.sale;
SELECT kpi.track('shop.sale_facts', 'at', '{country}', 'sale', 'UTC', build => 'now') \gset
SELECT kpi.define('good_pct', '100.0 * good_sales / nullif(sales, 0)', '%') \gset
-- 60 a day in MX, 40 in ES, for 60 days
INSERT INTO shop.sale SELECT date_trunc('day', now()) - d * interval '1 day' + i * interval '14 minutes', CASE WHEN i <= 60 THEN 'MX' ELSE 'ES' END, i % 10 > 0
  FROM generate_series(1, 60) d, generate_series(1, 100) i;

-- What is refused
SELECT throws_ok($$SELECT kpi.keep_history('sales', 0)$$, '22023', 'argument "days" must be from 1 to 36500', 'a history of no days');
SELECT throws_ok($$SELECT kpi.keep_history('sales', grain => 'year')$$, '22023', 'grain of a history must be hour, day, week or month', 'of years');
SELECT throws_ok($$SELECT kpi.keep_history('sails')$$, '42704', 'metric "sails" does not exist', 'of no metric');
SELECT throws_ok($$SELECT kpi.keep_history('sales', by => '{city}')$$, '22023', NULL, 'by no dimension');
SET ROLE history_stranger;
SELECT throws_ok($$SELECT kpi.keep_history('sales')$$, '42501', NULL, 'of what the caller may not read');
SELECT throws_ok($$SELECT * FROM kpi.restatements('sales')$$, '42501', NULL, 'nor is it shown');
SET ROLE historian;

SELECT kpi.keep_history('sales', 100), kpi.keep_history('sales', by => '{country}'), kpi.keep_history('good_pct') \gset
SELECT is((SELECT string_agg(concat_ws(' ', metric, grain, "by", days, buckets), ', ' ORDER BY metric, "by") FROM kpi.history_status),
    'good_pct day {} 400 0, sales day {} 100 0, sales day {country} 400 0', 'what is kept');
SET ROLE history_stranger;
SELECT is_empty('SELECT * FROM kpi.history_status', 'only by whose it is');
SELECT throws_ok($$SELECT kpi.drop_history('sales')$$, '42501', 'must be owner of the history of "sales"', 'nobody else ends it');
RESET ROLE;

-- Buckets that were over before are not kept; as if it had begun four days ago, three are.
CALL kpi.work();
SELECT is((SELECT count(*) FROM kpi.first_seen), 0::bigint, 'what was over before is not known as it was first');
SELECT is((SELECT count(DISTINCT due_at) FROM kpi.history_state WHERE due_at = date_trunc('day', now()) + interval '1 day'), 1::bigint, 'it looks again when the day is over');
CREATE SCHEMA t;
CREATE FUNCTION t.due() RETURNS void LANGUAGE sql AS $$UPDATE kpi.history_state SET due_at = '-infinity'$$;
UPDATE kpi.history SET since = date_trunc('day', now()) - interval '3 days' + interval '1 hour';
SELECT t.due() \gset
CALL kpi.work();
SELECT is((SELECT count(*) FROM kpi.first_seen WHERE metric = 'sales' AND "by" = '{}'), 3::bigint, 'the day it begins in, and those after it');
SET ROLE historian;
SELECT is_empty($$SELECT * FROM kpi.restatements('sales')$$, 'nothing is restated');
SELECT is((SELECT string_agg(concat_ws(' ', segment, first_seen, today, change), ', ') FROM kpi.restatements('sales', only_changed => false)),
    '{} 100 100 0, {} 100 100 0, {} 100 100 0', 'what was seen is what is');

-- Late rows, corrections, and rows of a segment that are gone
INSERT INTO shop.sale SELECT date_trunc('day', now()) - interval '1 day', 'MX' FROM generate_series(1, 25);
DELETE FROM shop.sale WHERE country = 'ES' AND at >= date_trunc('day', now()) - interval '2 days' AND at < date_trunc('day', now()) - interval '1 day';
RESET ROLE;
SELECT t.due() \gset
CALL kpi.work();
SET ROLE historian;
SELECT is((SELECT string_agg(concat_ws(' ', (date_trunc('day', now()) - bucket)::text, first_seen, today, change, change_pct), ', ') FROM kpi.restatements('sales')),
    '2 days 100 60 -40 -40, 1 day 100 125 25 25', 'late rows and corrections are seen');
SELECT is((SELECT string_agg(concat_ws(' ', (date_trunc('day', now()) - bucket)::text, segment ->> 'country', first_seen, coalesce(today::text, 'none')), ', ') FROM kpi.restatements('sales', by => '{country}')),
    '2 days ES 40 0, 1 day MX 60 85', 'by segment, also one without rows today');
SELECT is((SELECT count(*) FROM kpi.restatements('good_pct')), 1::bigint, 'of a rate');
SELECT is((SELECT count(*) FROM kpi.restatements('sales', date_trunc('day', now()) - interval '36 hours')), 1::bigint, 'from a moment on');
SELECT ok((SELECT bool_and(seen_at BETWEEN now() - interval '1 minute' AND clock_timestamp()) FROM kpi.restatements('sales')), 'with the time it was seen');

-- A backtest judges on what was known
SELECT kpi.add_rule('Few', 'sales', 'below', 90) \gset
SELECT kpi.backtest('Few', date_trunc('day', now()) - interval '10 days', date_trunc('day', now())) AS few \gset
SELECT is(:'few'::jsonb ->> 'values', 'as they were first seen in 3 of 10 buckets, as they are today in the others', 'it says which values it used');
SELECT is((:'few'::jsonb ->> 'buckets_first_seen') || ' ' || (:'few'::jsonb ->> 'buckets'), '3 10', 'as numbers too');
SELECT is(jsonb_array_length(:'few'::jsonb -> 'incidents'), 0, 'a day that was corrected afterwards did not fire');
SELECT is(kpi.backtest('Few', date_trunc('day', now()) - interval '3 days', date_trunc('day', now())) ->> 'values', 'as they were first seen', 'of buckets that are all kept');
SELECT kpi.add_rule('Poor', 'good_pct', 'below', 50) \gset
SELECT is(kpi.backtest('Poor', date_trunc('day', now()) - interval '3 days', date_trunc('day', now())) ->> 'values', 'as they were first seen', 'a rate with its trials');
SELECT kpi.add_rule('FewThere', 'sales', 'no_data', by => '{country}') \gset
SELECT is(jsonb_array_length(kpi.backtest('FewThere', date_trunc('day', now()) - interval '3 days', date_trunc('day', now())) -> 'incidents'), 0, 'a segment that had its rows then');
SELECT kpi.alter_rule('FewThere', '{"filters": {"country": ["ES", "MX"]}}') \gset
SELECT is(kpi.backtest('FewThere', date_trunc('day', now()) - interval '3 days', date_trunc('day', now())) ->> 'values', 'as they are today, not as they were known then', 'what a filter leaves is not in a history');
SELECT is(jsonb_array_length(kpi.backtest('FewThere', date_trunc('day', now()) - interval '3 days', date_trunc('day', now())) -> 'incidents'), 1, 'and is judged by what is there today');
SELECT kpi.drop_history('sales') AS dropped \gset
SELECT is(:'dropped', 't'::text, 'a history is dropped');
SELECT is(kpi.drop_history('sales'), false, 'once');
SELECT is(jsonb_array_length(kpi.backtest('Few', date_trunc('day', now()) - interval '10 days', date_trunc('day', now())) -> 'incidents'), 1, 'without it the corrected day fires');
SELECT is_empty($$SELECT * FROM kpi.restatements('sales', only_changed => false)$$, 'and its values are gone');

-- What happens to the metric
SELECT kpi.define('good_pct', '100.0 * good_sales / nullif(sales, 0) + 0', '%') \gset
SELECT is_empty($$SELECT * FROM kpi.restatements('good_pct')$$, 'values of another formula are not compared');
SELECT kpi.undefine('good_pct') \gset
RESET ROLE;
SELECT t.due() \gset
CALL kpi.work();
SELECT is((SELECT error FROM kpi.history_status WHERE metric = 'good_pct'), '42704: metric "good_pct" does not exist', 'a metric that is gone is told');
SELECT is((SELECT buckets FROM kpi.history_status WHERE metric = 'good_pct'), 3::bigint, 'its values stay');
SET ROLE historian;
SELECT kpi.define('good_pct', '100.0 * good_sales / nullif(sales, 0)', '%') \gset
RESET ROLE;
SELECT t.due() \gset
CALL kpi.work();
SELECT is((SELECT error FROM kpi.history_status WHERE metric = 'good_pct'), NULL, 'defined again it goes on');
SELECT is((SELECT count(*) FROM kpi.restatements('good_pct')), 1::bigint, 'where it was');
SET ROLE historian;
SELECT kpi.undefine('good_pct') \gset
ALTER VIEW shop.sale_facts RENAME COLUMN sales TO orders;
SELECT is((SELECT count(*) FROM kpi.restatements('orders', by => '{country}')), 2::bigint, 'a measure that is renamed keeps its history');
SELECT is((SELECT metric FROM kpi.rule WHERE name = 'Few'), 'orders', 'and its rules');

-- Days
RESET ROLE;
SELECT kpi.keep_history('orders', 2, '{country}') \gset
INSERT INTO kpi.first_seen (metric, grain, "by", bucket, formula, "values") SELECT 'orders', 'day', '{country}', date_trunc('day', now()) - interval '9 days', 'orders', '[]';
CALL kpi.work();
SELECT is((SELECT min(bucket) >= now() - interval '2 days' FROM kpi.first_seen WHERE metric = 'orders'), true, 'what is older than its days is deleted');
SELECT is((SELECT role::text FROM kpi.history WHERE metric = 'orders'), current_user::text, 'called again it is read by the new role');
SELECT ok((SELECT since < now() - interval '2 days' FROM kpi.history WHERE metric = 'orders'), 'and goes on');
DROP OWNED BY historian CASCADE;
SELECT t.due() \gset
CALL kpi.work();
SELECT matches((SELECT error FROM kpi.history_status WHERE metric = 'orders'), '^42704: metric "orders" does not exist', 'a source that is gone is told, not raised');
SELECT * FROM finish();
