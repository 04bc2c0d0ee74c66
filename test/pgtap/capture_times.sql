-- as: superuser
-- Buckets in every kind of zone and time type: the local hour and day of the event, also where clocks change.
\ir ../tools/exact.sql
SELECT plan(34);
SET timezone = 'America/Los_Angeles';

CREATE TABLE public.tick (at timestamptz, wall timestamp, day date, v int DEFAULT 1);
-- every ten minutes across the edges of all zones tested, and odd instants
CREATE VIEW public.instants AS
    SELECT e.edge + i * interval '10 minutes' AS at FROM generate_series(-40, 40) i, (VALUES
        (timestamptz '2024-03-31 01:00Z'), ('2024-10-27 01:00Z'),   -- Europe/Madrid
        ('2024-10-05 15:30Z'), ('2024-04-06 15:00Z'),               -- Australia/Lord_Howe, half an hour
        ('2018-11-04 03:00Z'), ('2019-02-17 02:00Z'),               -- America/Sao_Paulo, at midnight
        ('2024-03-10 07:00Z'), ('2024-11-03 06:00Z'),               -- America/New_York
        ('2011-12-30 10:00Z')) e (edge)                             -- Pacific/Apia, a day that never was
    UNION ALL VALUES (timestamptz '1890-01-01 00:00Z'), ('1999-12-31 23:59:59.999999Z'), ('2000-01-01 00:00Z'), ('1970-01-01 00:00Z'),
        ('2250-07-01 12:34:56.789Z'), ('3000-01-01 BC'), (NULL), ('infinity'), ('-infinity');
CREATE FUNCTION t.tracked(zone text, kind text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE name text := kind || '_' || regexp_replace(lower(zone), '[^a-z]', '_', 'g');
BEGIN
    EXECUTE format('CREATE VIEW public.%I AS SELECT %I, v AS %I FROM public.tick', name, kind, 'm_' || name);
    RETURN kpi.track(('public.' || name)::regclass, kind::name, '{}', name, zone, hour_retention => '5500 years', build => 'now');
END $$;
SELECT count(t.tracked(zone, kind)) FROM unnest('{UTC,Europe/Madrid,Asia/Kolkata,Asia/Kathmandu,Australia/Lord_Howe,America/Sao_Paulo,America/New_York,Pacific/Apia}'::text[]) zone,
    unnest('{at,wall,day}'::text[]) kind WHERE kind = 'at' OR zone IN ('UTC', 'Europe/Madrid', 'America/New_York', 'America/Sao_Paulo', 'Australia/Lord_Howe') \gset
-- in both orders: whatever was computed for one instant may not be taken for another of its hour
INSERT INTO public.tick SELECT at, at AT TIME ZONE 'Europe/Madrid', (at AT TIME ZONE 'Europe/Madrid')::date FROM public.instants ORDER BY at;
INSERT INTO public.tick SELECT at, at AT TIME ZONE 'Europe/Madrid', (at AT TIME ZONE 'Europe/Madrid')::date FROM public.instants ORDER BY at DESC;
-- in no order, over two centuries: periods of a zone's offset are remembered, and met from any side
INSERT INTO public.tick SELECT at, at AT TIME ZONE 'Europe/Madrid', (at AT TIME ZONE 'Europe/Madrid')::date
  FROM (SELECT timestamptz '1880-01-01 00:00Z' + n * 7919 % 80000 * interval '24 hours' + n * interval '37 minutes' AS at FROM generate_series(1, 1500) n) f;

SELECT t.exact('at_utc', 'timestamptz, UTC');
SELECT t.exact('at_europe_madrid', 'timestamptz, Europe/Madrid');
SELECT t.exact('at_asia_kolkata', 'timestamptz, Asia/Kolkata');
SELECT t.exact('at_asia_kathmandu', 'timestamptz, Asia/Kathmandu');
SELECT t.exact('at_australia_lord_howe', 'timestamptz, Australia/Lord_Howe, clocks change by half an hour');
SELECT t.exact('at_america_sao_paulo', 'timestamptz, America/Sao_Paulo, clocks change at midnight');
SELECT t.exact('at_america_new_york', 'timestamptz, America/New_York');
SELECT t.exact('at_pacific_apia', 'timestamptz, Pacific/Apia, a day is left out');
SELECT t.exact('wall_utc', 'timestamp, UTC');
SELECT t.exact('wall_europe_madrid', 'timestamp, Europe/Madrid, both edges');
SELECT t.exact('wall_america_new_york', 'timestamp, America/New_York');
SELECT t.exact('wall_america_sao_paulo', 'timestamp, America/Sao_Paulo');
SELECT t.exact('wall_australia_lord_howe', 'timestamp, Australia/Lord_Howe');
SELECT t.exact('day_utc', 'date, UTC');
SELECT t.exact('day_europe_madrid', 'date, Europe/Madrid');
SELECT t.exact('day_america_new_york', 'date, America/New_York');
SELECT t.exact('day_america_sao_paulo', 'date, America/Sao_Paulo, where a midnight is missing');
SELECT t.exact('day_australia_lord_howe', 'date, Australia/Lord_Howe');

SELECT is((SELECT sum(row_count) FROM kpi_data.at_utc_daily), (SELECT count(*)::numeric FROM public.tick WHERE isfinite(at)),
    'rows without a time belong to no bucket');
SELECT results_eq(
    $$SELECT hour AT TIME ZONE 'UTC', row_count FROM kpi_data.at_europe_madrid_hourly
       WHERE hour AT TIME ZONE 'Europe/Madrid' = '2024-10-27 02:00' ORDER BY 1$$,
    $$VALUES (timestamp '2024-10-27 00:00', 12::bigint), (timestamp '2024-10-27 01:00', 12)$$, 'the hour that comes twice is two buckets');
SELECT is_empty($$SELECT 1 FROM kpi_data.at_pacific_apia_daily WHERE day = '2011-12-30'$$, 'the day that never was has no bucket');
SELECT ok((SELECT bool_and(date_part('minute', hour AT TIME ZONE 'UTC') = 15) FROM kpi_data.at_asia_kathmandu_hourly WHERE day > '2000-01-02'),
    'hours begin at 15 past in Kathmandu');
SELECT is((SELECT day FROM kpi_data.day_america_sao_paulo_daily WHERE day = '2018-11-04'), '2018-11-04', 'a date keeps its day where its midnight is missing');

-- a writer's TimeZone and DateStyle do not matter
UPDATE public.tick SET v = 2;
SET timezone = 'Asia/Tokyo'; SET datestyle = 'German';
DELETE FROM public.tick WHERE wall < '01.01.2012';
SET timezone = 'UTC'; SET datestyle = 'ISO';
UPDATE public.tick SET at = at + interval '20 minutes', wall = wall + interval '20 minutes', day = day + 1;
SELECT t.exact('at_europe_madrid', 'timestamptz, changed under other settings');
SELECT t.exact('at_australia_lord_howe', 'half-hour zone, changed under other settings');
SELECT t.exact('wall_america_new_york', 'timestamp, changed under other settings');
SELECT t.exact('day_europe_madrid', 'date, changed under other settings');
UPDATE public.tick SET at = 'infinity', wall = '-infinity', day = 'infinity' WHERE at < '2024-06-01';
SELECT t.exact('at_asia_kolkata', 'times that become infinite');
SELECT t.exact('wall_utc', 'timestamps that become infinite');
SELECT t.exact('day_utc', 'dates that become infinite');
SET timezone = 'Pacific/Kiritimati';
SELECT t.exact('at_america_new_york', 'read under another TimeZone');
UPDATE public.tick SET at = '2024-02-29 23:30Z', wall = '2024-02-29 23:30', day = '2024-02-29' WHERE NOT isfinite(at);
SELECT t.exact('at_asia_kathmandu', 'infinite times that become finite');
SELECT t.exact('wall_europe_madrid', 'infinite timestamps that become finite');

-- hours are kept for a while, days for ever
CREATE VIEW public.short_facts AS SELECT at, v AS short_v FROM public.tick;
SELECT kpi.track('public.short_facts', 'at', '{}', 'short', 'UTC', hour_retention => '30 days', build => 'now') \gset
INSERT INTO public.tick (at) VALUES (now()), (now() - interval '10 days'), (now() - interval '29 days'), (now() - interval '40 days'), (now() - interval '400 days');
SELECT t.exact('short', 'late rows before and after the hours that are kept');
SELECT finish();
