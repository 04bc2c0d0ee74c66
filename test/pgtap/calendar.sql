-- as: superuser
-- The calendar of detection: entries, holidays by rule, and what they do to verdicts.
SET timezone = 'UTC';
SELECT plan(26);
\ir ../tools/raised.sql

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

-- Entries of hours
SELECT kpi.add_event('Release 8', 'deploy', start_at => '2026-06-20 14:20+00', end_at => '2026-06-20 15:40+00', effect => 'ignore') AS release \gset
SELECT is(kpi.add_event('Release 8', 'deploy', start_at => '2026-06-20 14:20+00', end_at => '2026-06-20 15:40+00', effect => 'ignore'), :release::bigint, 'the same hours again are the same entry');
SET timezone = 'Pacific/Auckland';
SELECT is(kpi.add_event('Release 8', 'deploy', start_at => '2026-06-20 14:20+00', end_at => '2026-06-20 15:40+00', effect => 'ignore'), :release::bigint, 'whatever the time zone of the session');
RESET timezone;
SELECT isnt(kpi.add_event('Release 8', 'deploy', start_at => '2026-06-20 22:00+00', end_at => '2026-06-21 01:00+00'), :release::bigint, 'other hours of the day are another');
SELECT is((SELECT array_agg(days ORDER BY hours) FROM kpi.event WHERE name = 'Release 8'), '{"[2026-06-20,2026-06-21)","[2026-06-20,2026-06-22)"}'::daterange[], 'its days are those that the hours touch');
SELECT kpi.add_event('Short', 'deploy', start_at => '2026-06-25 10:00+00') AS short \gset
SELECT is((SELECT hours FROM kpi.event WHERE id = :short), '["2026-06-25 10:00+00","2026-06-25 11:00+00")'::tstzrange, 'without an end it is an hour');
INSERT INTO kpi.event (id, name, kind, days, scope, effect, created_at) VALUES (9000, 'Old', 'holiday', '[2026-07-01,2026-07-02)', '{}', 'widen', now());
SELECT is((SELECT hours FROM kpi.event_day WHERE name = 'Old'), NULL, 'what was dumped before there were hours is a whole day');
SELECT matches(t.raised('SELECT kpi.add_event(''x'', ''deploy'', ' || arguments || ')'), said, arguments) FROM (VALUES
    ('''2026-06-20'', start_at => now()', '^22023 an event cannot have both days and hours'), ('end_at => now()', '^22023 end_at cannot be without start_at'),
    ('start_on => NULL', '^22004 argument "start_on" must not be null.*start_at'), ('start_at => now(), end_at => now()', '^22023 end_at must be later than start_at'),
    ('start_at => now(), end_at => now() + interval ''3 years''', '^22023 an event lasts at most 366 days')) x (arguments, said);
-- Every hour is like the others but 14, 15 (the release touches both) and 18
CREATE TABLE hourly AS
SELECT h AS at, 1000 + 30 * (((extract(epoch FROM h)::bigint / 3600) * 7919) % 17 - 8) / 8.0 AS n FROM generate_series('2026-05-20'::timestamptz, '2026-06-20 23:00', interval '1 hour') h;
UPDATE hourly SET n = 300 WHERE at IN ('2026-06-20 14:00+00', '2026-06-20 15:00+00');
SELECT is((SELECT array_agg(to_char(at, 'HH24') ORDER BY at) FROM kpi.detect('hourly', 'at', 'n', grain => grain, since => '2026-06-20') WHERE is_anomaly), '{14,15}', 'without the calendar the hours are flagged: ' || coalesce(grain::text, 'no grain'))
  FROM unnest('{1 hour,NULL}'::interval[]) grain;
SELECT is((SELECT array_agg(to_char(at, 'HH24') ORDER BY at) FROM kpi.detect('hourly', 'at', 'n', calendar => 'kpi.event_day', grain => grain, since => '2026-06-20') WHERE is_anomaly), NULL, 'hours of the release are expected: ' || coalesce(grain::text, 'no grain'))
  FROM unnest('{1 hour,NULL}'::interval[]) grain;
UPDATE hourly SET n = 200 WHERE at = '2026-06-20 18:00+00';
SELECT is((SELECT array_agg(to_char(at, 'HH24') ORDER BY at) FROM kpi.detect('hourly', 'at', 'n', calendar => 'kpi.event_day', grain => '1 hour', since => '2026-06-20') WHERE is_anomaly), '{18}', 'other hours of the day are not');
UPDATE sales SET revenue = 20 WHERE at = '2026-06-25';
SELECT kpi.add_event('Short', 'deploy', start_at => '2026-06-25 10:00+00', effect => 'ignore') \gset
SELECT is((SELECT count(*) FROM kpi.detect('sales', 'at', 'revenue', '{country}', calendar => 'kpi.event_day', since => '2026-06-25') WHERE is_anomaly AND at = '2026-06-25'), 2::bigint, 'a day is not excused by an hour of it');

SELECT * FROM finish();
