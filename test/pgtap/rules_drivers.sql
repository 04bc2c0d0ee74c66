-- as: superuser
-- What an alarm names as its drivers: the parts that moved to its side, each once.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(4);
CREATE TABLE public.sale (at timestamptz NOT NULL, country text, source text);
CREATE VIEW public.sale_facts AS SELECT at, country, source, 1 AS sales FROM public.sale;
SELECT kpi.track('public.sale_facts', 'at', '{country,source}', 'sale', 'UTC', hour_retention => '3000 days', build => 'now') \gset
-- 300 a day; on 9 March a third is missing, and one part sells more than ever.
CREATE FUNCTION public.fill(gone text, grown int) RETURNS void LANGUAGE sql AS $$
DELETE FROM public.sale;
INSERT INTO public.sale
SELECT d + n * interval '24 hours' / 300, c, s FROM generate_series(timestamptz '2026-01-01', '2026-03-09', '1 day') d, generate_series(0, 299) n,
       LATERAL (SELECT (ARRAY['MX', 'ES', 'BR'])[1 + n % 3] AS c, (ARRAY['fb', 'google'])[1 + n % 2] AS s) x
 WHERE d < '2026-03-09' OR concat(c, '/', s) !~ gone;
INSERT INTO public.sale SELECT '2026-03-09 10:00Z', 'PE', 'fb' FROM generate_series(1, grown);
$$;
CREATE FUNCTION public.drivers(gone text, grown int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.fill(gone, grown);
    PERFORM kpi.drop_rule(name) FROM kpi.rule;
    PERFORM kpi.add_rule('Low', 'sales', 'ratio', 0.95);
    PERFORM kpi._evaluate_rules('2026-03-10 01:00+00');
    RETURN (SELECT l FROM kpi.incident, jsonb_array_elements_text(details -> 'lines') l WHERE rule = 'Low' AND state = 'firing' AND l ~ '^Drivers');
END $$;
SELECT is(public.drivers('^MX', 30), 'Drivers: MX -100 (100 %)', 'a country, not its sources beside it, nor what grew');
SELECT matches(public.drivers('^(MX|BR)', 30), '^Drivers: (BR\+MX|MX\+BR) -200 \(100 %\)$', 'two countries as one part');
SELECT is(public.drivers('^ES/google', 0), 'Drivers: ES/google -50 (100 %)', 'a pair');
-- What sells less does not say why a day that sold more than usual is below a limit that no day reaches.
SELECT public.fill('^ES/google', 200) \gset
SELECT kpi.add_rule('Never', 'sales', 'below', 1000) \gset
SELECT kpi._evaluate_rules('2026-03-10 02:00+00') \gset
SELECT is((SELECT string_agg(l, E'\n') FROM kpi.incident, jsonb_array_elements_text(details -> 'lines') l WHERE rule = 'Never' AND l ~ '^Drivers'), NULL, 'a part that fell does not explain a rise');
SELECT finish();
