-- Detection: window functions, kpi.detect over a table, arrays.
SET timezone = 'UTC';
SELECT plan(41);

CREATE TABLE sales AS
SELECT d AS at, c AS country,
       100.0 * n * (CASE WHEN extract(isodow FROM d) > 5 THEN 0.6 ELSE 1 END)
           * (1 + 0.03 * (((extract(epoch FROM d)::bigint / 86400) * 7919 + n * 31) % 17 - 8) / 5.0) AS revenue
  FROM generate_series('2026-01-01'::timestamptz, '2026-06-30', interval '1 day') d,
       unnest(ARRAY['ES', 'MX', 'US']) WITH ORDINALITY u (c, n);
UPDATE sales SET revenue = revenue * 0.3 WHERE at = '2026-06-15' AND country = 'MX';

-- kpi.anomaly
SELECT results_eq(
    $$SELECT at, country FROM (SELECT at, country, kpi.anomaly(revenue::float8, at) OVER (PARTITION BY country ORDER BY at) v FROM sales) x
       WHERE (v).is_anomaly$$,
    $$VALUES ('2026-06-15 00:00+00'::timestamptz, 'MX')$$, 'anomaly flags the one broken day of the one country');
CREATE TEMP TABLE dip AS SELECT (v).* FROM (SELECT at, kpi.anomaly(revenue::float8, at) OVER (ORDER BY at) v FROM sales WHERE country = 'MX') x WHERE at = '2026-06-15';
SELECT is(type, 'dip', 'its type') FROM dip;
SELECT ok(score > 5 AND p < 0.0001, 'its score and p') FROM dip;
SELECT ok(lower < expected AND expected < upper, 'its band') FROM dip;
SELECT matches(reason, '^[0-9.]+: expected [0-9.]+ \([0-9.]+ to [0-9.]+\), -7\d %, z -[0-9.]+$', 'its reason') FROM dip;
SELECT is(count(*), 28::bigint, 'no verdict in the first 28 days')
  FROM (SELECT kpi.anomaly(revenue::float8, at) OVER (ORDER BY at) v FROM sales WHERE country = 'ES') x WHERE (v).type = 'learning' AND (v).p IS NULL;
SELECT is(count(*) FILTER (WHERE (a).score IS DISTINCT FROM (b).score), 0::bigint, 'the future changes no score')
  FROM (SELECT at, kpi.anomaly(revenue::float8, at) OVER (ORDER BY at) a,
               kpi.anomaly((CASE WHEN at >= '2026-06-01' THEN 7 * revenue ELSE revenue END)::float8, at) OVER (ORDER BY at) b
          FROM sales WHERE country = 'MX') x WHERE at < '2026-06-01';
SELECT is((v).type, 'missing', 'NULL is a missing period')
  FROM (SELECT at, kpi.anomaly(CASE WHEN at <> '2026-06-10' THEN revenue END::float8, at) OVER (ORDER BY at) v FROM sales WHERE country = 'MX') x
 WHERE at = '2026-06-10';
SELECT is(count(*) FILTER (WHERE (v).is_anomaly), 0::bigint, 'direction up sees no dip')
  FROM (SELECT kpi.anomaly(revenue::float8, at, options => '{"direction": "up"}') OVER (ORDER BY at) v FROM sales WHERE country = 'MX') x;
SELECT ok(NOT (v).is_anomaly, 'a day with an event is flagged only beyond what such days do')
  FROM (SELECT at, kpi.anomaly(CASE WHEN at = '2026-06-15' THEN revenue * 2.2 ELSE revenue END::float8, at, NULL, CASE WHEN at = '2026-06-15' THEN 'Hot Sale' END)
               OVER (ORDER BY at) v FROM sales WHERE country = 'MX') x WHERE at = '2026-06-15';
SELECT is(count(*) FILTER (WHERE (v).is_anomaly), 1::bigint, 'every method finds it: ' || m)
  FROM unnest(ARRAY['zscore', 'robust_z', 'weekday', 'stl', 'ewma']) m,
       LATERAL (SELECT at, kpi.anomaly((CASE WHEN at = '2026-06-15' THEN 5000 ELSE revenue END)::float8, at, options => jsonb_build_object('method', m)) OVER (ORDER BY at) v
          FROM sales WHERE country = 'MX') x WHERE at = '2026-06-15' GROUP BY m;
SELECT ok((v).is_anomaly, 'hours are recognised by their distance and have a season of their own')
  FROM (SELECT at, kpi.anomaly((1000 + 500 * sin(extract(hour FROM at) / 24 * 6.283) + (extract(epoch FROM at)::bigint / 3600 * 7919) % 41
                               - CASE WHEN at = '2026-01-20 14:00+00' THEN 900 ELSE 0 END)::float8, at) OVER (ORDER BY at) v
          FROM generate_series('2026-01-01'::timestamptz, '2026-01-25', interval '1 hour') at) x WHERE at = '2026-01-20 14:00+00';
SELECT lives_ok($$SELECT kpi.anomaly(1, at) OVER (ORDER BY at) FROM (SELECT set_config('timezone', 'Europe/Madrid', true)) s,
                  generate_series('2025-10-20'::timestamptz, '2025-10-30', interval '1 hour') at$$, 'the hour that winter time repeats is no error');
SELECT set_config('timezone', 'UTC', true);
SELECT throws_ok($$SELECT kpi.anomaly(revenue::float8, at) OVER (ORDER BY at) FROM sales$$, '22000', 'periods must be in ascending order, each at most once');
SELECT throws_ok($$SELECT kpi.anomaly(1, now(), options => '{"colour": "red"}') OVER ()$$, '22023', 'unknown option "colour"');
SELECT throws_ok($$SELECT kpi.anomaly(1, now(), options => '{"kind": "price"}') OVER ()$$, '22023', 'unknown kind "price"');
SELECT throws_ok($$SELECT kpi.anomaly(1, now(), options => '{"threshold": -1}') OVER ()$$, '22023', 'threshold must be greater than zero');
SELECT throws_ok($$SELECT kpi.anomaly(1, now(), options => '[1]') OVER ()$$, '22023', 'options must be a JSON object');
SELECT throws_ok($$SELECT kpi.anomaly(1, NULL) OVER ()$$, '22004');

-- The familiar window functions against the same in SQL
SELECT is(count(*) FILTER (WHERE abs(z - slow) > 1e-6 OR (z IS NULL) <> (slow IS NULL)), 0::bigint, 'zscore is what SQL computes')
  FROM (SELECT kpi.zscore(revenue::float8) OVER w z,
               CASE WHEN count(*) OVER p > 1 THEN (revenue::float8 - avg(revenue::float8) OVER p) / stddev_samp(revenue::float8) OVER p END slow
          FROM sales WHERE country = 'US' WINDOW w AS (ORDER BY at), p AS (ORDER BY at ROWS BETWEEN 28 PRECEDING AND 1 PRECEDING)) x;
SELECT is(array_agg(r), ARRAY[NULL, 2, 2]::float8[], 'ratio_avg') FROM (SELECT kpi.ratio_avg(v) OVER (ORDER BY v) r FROM unnest(ARRAY[1, 2, 3]::float8[]) v) x;
SELECT is(array_agg(round(z::numeric, 3)), ARRAY[NULL, NULL, 1.012, 2.023, 87.009]::numeric[], 'robust_z')
  FROM (SELECT kpi.robust_z(v, 10) OVER (ORDER BY v) z FROM unnest(ARRAY[1, 3, 3.5, 4.5, 100]::float8[]) v) x;
SELECT is(array_agg(z), ARRAY[NULL, NULL, 1, 0]::float8[], 'percentile_band')
  FROM (SELECT kpi.percentile_band(v, 0, 1) OVER (ORDER BY i) z FROM unnest(ARRAY[1, 3, 5, 2]::float8[]) WITH ORDINALITY u (v, i)) x;
SELECT throws_ok('SELECT kpi.zscore(1, 1) OVER ()', '22023', 'window must be between 2 and 10000 rows');
SELECT throws_ok('SELECT kpi.percentile_band(1, 0.9, 0.1) OVER ()', '22023', 'lo must be less than hi');

-- kpi.detect
SELECT results_eq($$SELECT segment, at, type FROM kpi.detect('sales', 'at', 'revenue', '{country}') WHERE is_anomaly$$,
    $$VALUES ('{"country": "MX"}'::jsonb, '2026-06-15 00:00+00'::timestamptz, 'dip')$$, 'detect finds it in the table');
SELECT is(count(*), 48::bigint, 'since cuts the answer, not the learning') FROM kpi.detect('sales', 'at', 'revenue', '{country}', since => '2026-06-15') WHERE score IS NOT NULL;
SELECT ok(impact BETWEEN -200 AND -100, 'impact in the metric''s unit') FROM kpi.detect('sales', 'at', 'revenue', '{country}') WHERE is_anomaly;
SELECT is(count(*), 0::bigint, 'min_impact') FROM kpi.detect('sales', 'at', 'revenue', '{country}', min_impact => 1000) WHERE is_anomaly;
SELECT is(array_agg(segment), ARRAY['{"country": "MX"}']::jsonb[], 'fdr flags by p over the segments of a day')
  FROM kpi.detect('sales', 'at', 'revenue', '{country}', fdr => 0.1) WHERE is_anomaly AND at = '2026-06-15';
SELECT is(count(*), 27::bigint, 'grain sums to weeks') FROM kpi.detect('sales', 'at', 'revenue', grain => '1 week');
SELECT throws_ok($$SELECT * FROM kpi.detect('sales', 'at', 'revenue', '{country}', method => 'magic')$$, '22023', 'unknown detection method "magic"');
SELECT throws_ok($$SELECT * FROM kpi.detect('sales', 'at', 'nothing')$$, '42703');
SELECT throws_ok($$SELECT * FROM kpi.detect('sales', 'at', 'revenue', grain => '5 days')$$, '22023', 'unsupported grain "5 days"');

-- Arrays
SELECT is(kpi.bh('{0.001, 0.8, NULL, 0.02}'), '{t,f,f,t}'::boolean[], 'bh');
SELECT is(count(*), 56::bigint, 'stl adds up')
  FROM (SELECT array_agg(100 + i + 10 * (i % 7) ORDER BY i)::float8[] a FROM generate_series(1, 56) i) s, kpi.stl(a, 7) d WHERE abs(trend + seasonal + remainder - a[i]) < 1e-9;
SELECT is(array_agg(at), ARRAY['2026-02-10']::timestamptz[], 'level_shifts')
  FROM (SELECT array_agg(at ORDER BY at) t, array_agg((CASE WHEN at < '2026-02-10' THEN 100 ELSE 180 END + (extract(epoch FROM at)::bigint / 86400 * 7919) % 17)::float8 ORDER BY at) v
          FROM generate_series('2026-01-01'::timestamptz, '2026-03-31', interval '1 day') at) s, kpi.level_shifts(t, v);

SELECT * FROM finish();
