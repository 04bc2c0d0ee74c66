-- as: superuser
-- The calendar of detection: entries, holidays by rule, and what they do to verdicts.
SET timezone = 'UTC';
SELECT plan(9);

CREATE TABLE sales AS
SELECT d AS at, c AS country,
       100.0 * (1 + 0.03 * (((extract(epoch FROM d)::bigint / 86400) * 7919 + n * 31) % 17 - 8) / 5.0)
           * CASE WHEN d BETWEEN '2026-06-14' AND '2026-06-16' THEN 0.6 ELSE 1 END AS revenue
  FROM generate_series('2026-01-01'::timestamptz, '2026-06-30', interval '1 day') d,
       unnest(ARRAY['ES', 'MX']) WITH ORDINALITY u (c, n);

SELECT is(kpi.load_holidays('MX', 2026, 2026), 7::bigint, 'seven holidays of Mexico');
SELECT is(kpi.load_holidays('MX', 2026, 2026), 0::bigint, 'loading again adds none');
SELECT is(kpi.load_holidays('GB', 2021, 2021, '{"country": "GB"}'), 10::bigint, 'eight British holidays, two of them moved past a weekend');
SELECT ok(kpi.add_event('Sale', 'promotion', '2026-06-14', '2026-06-16', '{"country": "MX"}') > 0, 'add_event');
SELECT is(array_agg(day ORDER BY day), '{2026-06-14,2026-06-15,2026-06-16}'::date[], 'end_on is included') FROM kpi.event_day WHERE name = 'Sale';
SELECT kpi.add_event('Release 7', 'deploy', '2026-06-20');
SELECT is(effect, 'annotate', 'a deployment only annotates') FROM kpi.event WHERE name = 'Release 7';
SELECT is(array_agg(DISTINCT segment), ARRAY['{"country": "ES"}']::jsonb[], 'the sale explains the low days of its own country only')
  FROM kpi.detect('sales', 'at', 'revenue', '{country}', calendar => 'kpi.event_day', since => '2026-06-14') WHERE is_anomaly AND at <= '2026-06-16';
SELECT throws_ok($$SELECT kpi.load_holidays('XX')$$, '22023');
SELECT throws_ok($$SELECT kpi.add_event('x', 'party', '2026-01-01')$$, '22023');

SELECT * FROM finish();
