-- as: superuser
-- A source that is younger than the weeks that a rule looks back over: the zeros before its first row say nothing of what is usual.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(7);
CREATE TABLE public.sale (at timestamptz NOT NULL, country text);
CREATE VIEW public.sale_facts AS SELECT at, country, 1 AS sales FROM public.sale;
SELECT kpi.track('public.sale_facts', 'at', '{country}', 'sale', 'UTC', hour_retention => '3000 days', build => 'now') \gset
-- 100 a day, every hour alike, since the afternoon of 10 February: four weeks until 10 March.
INSERT INTO public.sale SELECT d + (i - 0.5) * interval '24 hours' / 100, CASE WHEN i % 5 < 3 THEN 'MX' ELSE 'ES' END
  FROM generate_series(timestamptz '2026-02-10', '2026-03-10', '1 day') d, generate_series(1, 100) i
 WHERE d + (i - 0.5) * interval '24 hours' / 100 BETWEEN '2026-02-10 15:00' AND '2026-03-10 12:00';
SELECT kpi.add_rule('Total', 'sales', 'ratio', 0.7, buckets => 'open', baseline => 'weekday') \gset
SELECT kpi.add_rule('Average', 'sales', 'ratio', 0.7, buckets => 'open') \gset
SELECT kpi.add_rule('Parts', 'sales', 'ratio', 0.7, buckets => 'open', by => '{country}') \gset
SELECT kpi.add_rule('Closed', 'sales', 'change', 20) \gset
CREATE FUNCTION public.open_rules(at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM kpi._evaluate_rules(at);
    RETURN (SELECT string_agg(DISTINCT rule, ' ' ORDER BY rule) FROM kpi.incident WHERE state <> 'resolved');
END $$;

SELECT is(public.open_rules('2026-03-10 12:00+00'), NULL, 'half of the day has half of its events');
SELECT is(public.open_rules('2026-03-10 12:20+00'), NULL, 'nor is that bad soon afterwards');
SELECT is(public.open_rules('2026-03-10 23:50+00'), 'Average Parts Total', 'half of them at its end is');
SELECT is((SELECT details ->> 'expected' FROM kpi.incident WHERE rule = 'Total' AND state = 'firing')::numeric::int BETWEEN 95 AND 101, true, 'against the 100 of whole days');
SELECT is(public.open_rules('2026-03-11 00:10+00') ~ 'Closed', true, 'and when it is over');
INSERT INTO public.sale SELECT timestamptz '2026-03-10 12:00' + (i - 0.5) * interval '12 hours' / 50, CASE WHEN i % 5 < 3 THEN 'MX' ELSE 'ES' END FROM generate_series(1, 50) i;
SELECT is(coalesce(public.open_rules('2026-03-11 00:20+00'), '') ~ 'Closed', false, 'rows that were late end it');
-- The first day, of nine hours, is in no baseline.
SELECT is(coalesce(public.open_rules('2026-02-11 12:00+00'), '') ~ 'Closed', false, 'the first whole day is not judged by a part of a day');
SELECT finish();
