-- as: superuser
-- Sums of the rollups: NaN and infinities, scales, sums beyond 2^63, zero, and deltas merged out of order.
SET client_min_messages = warning;
SELECT plan(30);

SELECT is(kpi._sum(1.50, NULL, NULL, NULL)::text, '1.50', '_sum: finite');
SELECT is(kpi._sum(NULL, NULL, NULL, NULL), 0::numeric, '_sum: nothing is 0');
SELECT is(kpi._sum(1, 1, 0, 0), 'NaN'::numeric, '_sum: NaN');
SELECT is(kpi._sum(1, 0, 2, 0), 'Infinity'::numeric, '_sum: Infinity');
SELECT is(kpi._sum(NULL, 0, 0, 1), '-Infinity'::numeric, '_sum: -Infinity');
SELECT is(kpi._sum(1, 0, 1, 1), 'NaN'::numeric, '_sum: both infinities');
SELECT is(kpi._sum(1, -1, -1, -1), 1::numeric, '_sum: negative counts are none');
SELECT is((SELECT kpi._count(n) FROM (VALUES (2::int8), (NULL), (-5)) v (n)), -3::int8, '_count: NULL counts 0');
SELECT is((SELECT kpi._count(n) FROM (VALUES (NULL::int8)) v (n)), NULL, '_count: of nothing');
SELECT throws_ok('SELECT kpi._count(n) FROM (VALUES (9223372036854775807), (1)) v (n)', '22003', NULL, '_count: never wraps');

CREATE TABLE pay (id int PRIMARY KEY, at timestamptz DEFAULT '2026-11-03 10:10Z', country text DEFAULT 'MX', amount numeric, units bigint);
CREATE VIEW pay_facts AS SELECT at, country, amount, units FROM pay;
SELECT kpi.track('pay_facts', 'at', '{country}', 'pay', 'UTC');
SELECT kpi.rebuild('pay');
CREATE VIEW total AS SELECT n, kpi._sum(m1, m1_nan, m1_pinf, m1_ninf) AS amount, m2 AS units FROM kpi_data.pay_rollup_day WHERE level = 0;

INSERT INTO pay (id, amount, units) VALUES (1, 10.5, 1), (2, 'NaN', 2);
SELECT kpi.merge('pay');
SELECT results_eq('SELECT * FROM total', $$VALUES (2::int8, 'NaN'::numeric, 3::numeric)$$, 'NaN shows');
SELECT is_empty($$SELECT * FROM kpi.verify('pay')$$, 'and is what sum() gives');
INSERT INTO pay (id, amount, units) VALUES (3, 'Infinity', NULL);
DELETE FROM pay WHERE id = 2;
SELECT kpi.merge('pay');
SELECT results_eq('SELECT * FROM total', $$VALUES (2::int8, 'Infinity'::numeric, 1::numeric)$$, 'NaN cancels, Infinity shows');
INSERT INTO pay (id, amount, units) VALUES (4, '-Infinity', 0);
SELECT kpi.merge('pay');
SELECT results_eq('SELECT amount FROM total', $$VALUES ('NaN'::numeric)$$, 'both infinities are NaN, as in sum()');
SELECT is_empty($$SELECT * FROM kpi.verify('pay')$$, 'verify agrees');
UPDATE pay SET amount = 0.25 WHERE id = 3;
DELETE FROM pay WHERE id = 4;
SELECT kpi.merge('pay');
SELECT results_eq('SELECT amount FROM total', 'VALUES (10.75)', 'finite again');
SELECT is_empty($$SELECT * FROM kpi.verify('pay')$$, 'verify agrees');

INSERT INTO pay (id, amount, units) SELECT 10 + g, 1 / (10::numeric ^ g), 9223372036854775807 FROM generate_series(1, 20) g;
SELECT kpi.merge('pay');
SELECT results_eq('SELECT amount, units FROM total', 'SELECT sum(amount), sum(units)::numeric FROM pay', 'every scale, and units far beyond 2^63');
INSERT INTO pay (id, amount, units) VALUES (50, 1e90000 - 1, 5), (51, -1e-16000, 5);
SELECT kpi.merge('pay');
SELECT is_empty($$SELECT * FROM kpi.verify('pay')$$, 'very large and very small numbers');
DELETE FROM pay WHERE id >= 10;
SELECT kpi.merge('pay');
SELECT results_eq('SELECT * FROM total', 'VALUES (2::int8, 10.75, 1::numeric)', 'and back');

-- Rows that sum to zero are rows.
INSERT INTO pay VALUES (60, DEFAULT, 'ES', 0, 0);
SELECT kpi.merge('pay');
SELECT results_eq($$SELECT n, coalesce(m1, 0) FROM kpi_data.pay_rollup_day WHERE level = 1 AND d1 = 'ES'$$, 'VALUES (1::int8, 0::numeric)', 'a segment of zeros exists');
DELETE FROM pay WHERE id = 60;
SELECT kpi.merge('pay');
SELECT is_empty($$SELECT * FROM kpi_data.pay_rollup_day WHERE d1 = 'ES'$$, 'its last row takes it away');
SELECT is_empty($$SELECT * FROM kpi.verify('pay')$$, 'verify knows no such segment');
INSERT INTO pay VALUES (61, DEFAULT, 'ES', NULL, NULL);
SELECT kpi.merge('pay');
SELECT results_eq($$SELECT n, kpi._sum(m1, m1_nan, m1_pinf, m1_ninf) FROM kpi_data.pay_rollup_day WHERE level = 1 AND d1 = 'ES'$$,
                  'VALUES (1::int8, 0::numeric)', 'NULL measures count 0, the row counts');
SELECT is_empty($$SELECT * FROM kpi.verify('pay')$$, 'verify agrees');
DELETE FROM pay WHERE id = 61;
SELECT kpi.merge('pay');

-- A batch may hold the insert (10) and the delete (-20) of a row, and the next one its update (+10): n passes through 0.
INSERT INTO kpi_data.pay_delta (hour, day, n, d1, m1) VALUES ('2026-11-03 10:00Z', '2026-11-03', 1, 'FR', 10), ('2026-11-03 10:00Z', '2026-11-03', -1, 'FR', -20);
SELECT kpi.merge('pay');
SELECT results_eq($$SELECT n, m1 FROM kpi_data.pay_rollup_day WHERE level = 1 AND d1 = 'FR'$$, 'VALUES (0::int8, -10::numeric)', 'what is not settled stays');
INSERT INTO kpi_data.pay_delta (hour, day, n, d1, m1) VALUES ('2026-11-03 10:00Z', '2026-11-03', 0, 'FR', 10);
SELECT kpi.merge('pay');
SELECT is_empty($$SELECT * FROM kpi_data.pay_rollup_day WHERE d1 = 'FR'$$, 'and goes when it is');
INSERT INTO kpi_data.pay_delta (hour, day, n, d1, m1) VALUES ('2026-11-03 10:00Z', '2026-11-03', -1, 'FR', -7);
SELECT kpi.merge('pay');
INSERT INTO kpi_data.pay_delta (hour, day, n, d1, m1) VALUES ('2026-11-03 10:00Z', '2026-11-03', 1, 'FR', 7);
SELECT kpi.merge('pay');
SELECT is_empty($$SELECT * FROM kpi_data.pay_rollup_hour WHERE d1 = 'FR'$$, 'a delete merged before its insert');
SELECT results_eq('SELECT * FROM total', 'VALUES (2::int8, 10.75, 1::numeric)', 'the total never lost a thing');
SELECT is_empty($$SELECT * FROM kpi.verify('pay')$$, 'verify agrees');
SELECT * FROM finish();
