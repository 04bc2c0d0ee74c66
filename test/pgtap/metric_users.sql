-- as: superuser
-- Who uses a measure: asked of the formulas themselves, whatever the measure is called.
SET client_min_messages = warning;
SELECT plan(10);
CREATE TABLE pay (at timestamptz, amount numeric);
INSERT INTO pay VALUES ('2026-03-01 10:00+00', 5);
CREATE VIEW pay_facts AS SELECT at, 1 AS pays, amount AS "revenue (EUR)", amount AS "a.b" FROM pay;
SELECT kpi.track('pay_facts', 'at', name => 'pay', timezone => 'UTC') \gset
SELECT lives_ok($$SELECT kpi.define('average', '"revenue (EUR)" / pays')$$, 'a measure with punctuation in a formula');
SELECT lives_ok($$SELECT kpi.define('average_cents', '100 * average')$$, 'a metric over it');
SELECT throws_like($$SELECT kpi.untrack('pay')$$, '%metrics use its measures%', 'untrack sees the user of such a measure');
SELECT throws_ok($$ALTER VIEW pay_facts RENAME COLUMN "revenue (EUR)" TO revenue$$, '2BP01', NULL, 'so does a rename');
SELECT lives_ok($$ALTER VIEW pay_facts RENAME COLUMN "a.b" TO other$$, 'a measure that nobody uses is renamed');
SELECT is((SELECT formula FROM kpi.metric WHERE name = 'other'), 'other', 'with its metric');
SELECT lives_ok($$DROP VIEW pay_facts CASCADE$$, 'CASCADE takes the source along');
SELECT is((SELECT count(*) FROM kpi.source), 0::bigint, 'which is gone');
SELECT is((SELECT array_agg(name) FROM kpi.metric), NULL, 'with every metric over its measures, also over other metrics');
SELECT is((SELECT count(*) FROM kpi.measure), 0::bigint, 'and the measures');
SELECT * FROM finish();
