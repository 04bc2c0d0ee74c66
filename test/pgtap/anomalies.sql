-- as: superuser
-- Detection over tracked metrics: kpi.anomalies, kpi.forecast, kpi.explain.
SET timezone = 'UTC';
SET jit = off;
SELECT plan(17);

CREATE TABLE pay (created_at timestamptz, country text, source text, paid boolean, amount numeric(10, 2));
INSERT INTO pay
SELECT d + interval '1 hour' * (i % 24), (ARRAY['MX', 'ES', 'US'])[1 + i % 3], (ARRAY['fb', 'google'])[1 + i / 3 % 2],
       (i * 7919 + (current_date - d::date) * 31) % 17 < 13, 10 + (i * 31) % 50
  FROM generate_series((current_date - 90)::timestamptz, current_date - 1, interval '1 day') d, generate_series(1, 200 + (current_date - d::date) * 37 % 23) i
 WHERE NOT (d = current_date - 1 AND i % 3 = 0 AND i / 3 % 2 = 0 AND i % 5 < 4);
INSERT INTO pay SELECT current_date - 1, 'PT', 'fb', true, 30 FROM generate_series(1, 40);
CREATE VIEW pay_facts AS
SELECT created_at AS at, country, source, 1 AS payments, paid::int AS paid, CASE WHEN paid THEN amount ELSE 0 END AS revenue FROM pay;
SELECT kpi.track('pay_facts', time_column => 'at', dimensions => '{country,source}', timezone => 'UTC');
SELECT kpi.define('success', '100.0 * paid / payments');
CALL kpi.work();

SELECT results_eq($$SELECT segment, at::date, type, value FROM kpi.anomalies('payments', by => '{country,source}') WHERE is_anomaly$$,
    $$VALUES ('{"country": "MX", "source": "fb"}'::jsonb, current_date - 1, 'dip', 7::float8)$$, 'the broken segment, without passing anything');
SELECT is(count(*), 0::bigint, 'the open bucket is skipped') FROM kpi.anomalies('payments') WHERE at >= current_date;
SELECT is(count(*), 1::bigint, 'or compared') FROM kpi.anomalies('payments', partial => 'compare') WHERE at >= current_date AND score IS NOT NULL;
SELECT is(count(*), 30::bigint, 'start_at cuts the answer, history is read before it') FROM kpi.anomalies('payments', '31d') WHERE score IS NOT NULL;
SELECT ok(bool_and(lower < value AND value < upper AND upper < 100), 'a percentage is judged as a rate, its band stays below 100') FROM kpi.anomalies('success', '14d');
SELECT ok(abs(impact - (value - expected) / 100 * p.n) < 1e-6, 'impact of a percentage counts payments')
  FROM kpi.anomalies('success', 'yesterday', 'yesterday'), (SELECT count(*) AS n FROM pay WHERE created_at >= current_date - 1) p;
SELECT kpi.add_event('Blackout', 'incident', current_date - 1, effect => 'ignore');
SELECT is(count(*), 0::bigint, 'the calendar is known') FROM kpi.anomalies('payments', by => '{country,source}') WHERE is_anomaly;
SELECT throws_ok($$SELECT * FROM kpi.anomalies('nothing')$$, '42704');

SELECT is(array_agg(at::date ORDER BY at), ARRAY[current_date, current_date + 1, current_date + 2], 'forecast starts after the last complete day') FROM kpi.forecast('revenue', 3);
SELECT ok(bool_and(lower < expected AND expected < upper AND expected BETWEEN 4000 AND 7000), 'forecast has intervals') FROM kpi.forecast('revenue', 3);
SELECT is(count(DISTINCT segment), 3::bigint, 'a segment of one day has no forecast') FROM kpi.forecast('payments', 2, '{country}');
SELECT throws_ok($$SELECT * FROM kpi.forecast('revenue', 0)$$, '22023', 'horizon must be between 1 and 1000 periods');

DELETE FROM pay WHERE country = 'PT';
SELECT is(segment, '{"country": "MX", "source": "fb"}'::jsonb, 'explain names the pair') FROM kpi.explain('payments', top => 1);
SELECT ok(share BETWEEN 0.5 AND 1.1 AND change < -20, 'with its share') FROM kpi.explain('payments', top => 1);
SELECT is(segment, '{"country": "MX", "source": "fb"}'::jsonb, 'against last week too') FROM kpi.explain('payments', compare => 'week', top => 1);
INSERT INTO pay SELECT current_date - 1, 'PT', 'fb', true, 30 FROM generate_series(1, 400);
SELECT is(presence, 'new', 'a new segment is called new') FROM kpi.explain('payments', by => '{country}', top => 1);
UPDATE pay SET paid = false WHERE created_at >= current_date - 1 AND country = 'ES';
SELECT ok(segment = '{"country": "ES"}' AND rate_effect < -5 AND abs(mix_effect) < abs(rate_effect), 'a quotient: the rate broke, not the mix') FROM kpi.explain('success', by => '{country}', top => 1);

SELECT * FROM finish();
