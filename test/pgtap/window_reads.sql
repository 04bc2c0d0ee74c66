-- as: superuser
-- Sources with window capture whose days are dirty are read from the facts view: joins, views of views, domains, security.
SET client_min_messages = warning;
SET timezone = 'Asia/Tokyo';
SET datestyle = 'German';
SELECT plan(21);
CREATE DOMAIN public.land AS text;
CREATE TABLE public.sale (id int PRIMARY KEY, at timestamptz, shop int, amount numeric, units int);
CREATE TABLE public.shop (shop int PRIMARY KEY, country public.land, mood text);
INSERT INTO public.shop VALUES (1, 'MX', 'good'), (2, 'ES', 'bad'), (3, NULL, 'good');
INSERT INTO public.sale SELECT g, timestamptz '2026-01-01 00:00Z' + g * interval '47 minutes', 1 + g % 3, g * 0.37, g FROM generate_series(1, 500) g;
INSERT INTO public.sale VALUES (501, 'infinity', 1, 1, 1), (502, NULL, 1, 1, 1), (503, '2026-01-05 12:00Z', 2, 'NaN', 1);
CREATE VIEW public.joined AS SELECT s.at, h.country, h.mood, s.amount, s.units FROM public.sale s JOIN public.shop h USING (shop);
CREATE VIEW public.inner_facts AS SELECT at, amount AS price, units FROM public.sale WHERE units > 3;
CREATE VIEW public.nested AS SELECT at AS "When", price, units AS pieces FROM public.inner_facts WHERE price <> 'NaN';
SELECT kpi.track('public.joined', 'at', '{country,mood}', 'j', 'Europe/Madrid', hour_retention => '50 years');
SELECT kpi.track('public.nested', 'When', '{}', 'n', 'Europe/Madrid', hour_retention => '50 years');
SELECT is(string_agg(capture, ' '), 'window window', 'a join and a view of a view have window capture') FROM kpi.source;

CREATE VIEW public.j_day (day, country, mood, n, amount, units) AS SELECT (at AT TIME ZONE 'Europe/Madrid')::date, country::text, mood, count(*), sum(amount), sum(units)::numeric
    FROM public.joined WHERE isfinite(at) GROUP BY 1, 2, 3;
CREATE VIEW public.j_hour (day, hour, country, mood, n, amount, units) AS SELECT (at AT TIME ZONE 'Europe/Madrid')::date, date_trunc('hour', at), country::text, mood, count(*), sum(amount), sum(units)::numeric
    FROM public.joined WHERE isfinite(at) GROUP BY 1, 2, 3, 4;
CREATE VIEW public.n_day (day, n, price, pieces) AS SELECT ("When" AT TIME ZONE 'Europe/Madrid')::date, count(*), sum(price), sum(pieces)::numeric
    FROM public.nested WHERE isfinite("When") GROUP BY 1;
PREPARE j_day AS SELECT day, country, mood, row_count, amount, units::numeric FROM kpi_data.j_daily;
PREPARE j_hour AS SELECT day, hour, country, mood, row_count, amount, units::numeric FROM kpi_data.j_hourly;
PREPARE n_day AS SELECT day, row_count, price, pieces::numeric FROM kpi_data.n_daily;
SELECT isnt_empty('SELECT 1 FROM kpi.dirty', 'nothing is built');
SELECT bag_eq('j_day', 'TABLE public.j_day', 'a building join by day');
SELECT bag_eq('j_hour', 'TABLE public.j_hour', 'a building join by hour');
SELECT bag_eq('n_day', 'TABLE public.n_day', 'a building view of a view');
SELECT is(pg_typeof(country)::text, 'text', 'a domain is read as its base type') FROM kpi_data.j_daily LIMIT 1;
CALL kpi.work();
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'built');
SELECT bag_eq('j_day', 'TABLE public.j_day', 'a built join by day');
SELECT bag_eq('j_hour', 'TABLE public.j_hour', 'a built join by hour');
SELECT bag_eq('n_day', 'TABLE public.n_day', 'a built view of a view');

-- The inner view changes what the outer shows: nothing marks it, a rebuild mends it; the outer view itself is watched.
INSERT INTO kpi.dirty VALUES ('j', '2026-01-03', '2026-01-05', 'a test'), ('j', '2026-01-10', '2026-01-11', 'a test');
UPDATE public.sale SET amount = amount + 1000;
SELECT is((SELECT count(*) FROM (SELECT * FROM public.j_day EXCEPT ALL SELECT day, country, mood, row_count, amount, units FROM kpi_data.j_daily) x
            WHERE day BETWEEN '2026-01-03' AND '2026-01-04' OR day = '2026-01-10'), 0::bigint, 'dirty days are read from the facts');
SELECT isnt((SELECT count(*) FROM (SELECT * FROM public.j_day EXCEPT ALL SELECT day, country, mood, row_count, amount, units FROM kpi_data.j_daily) x),
            0::bigint, 'the others are not');
CREATE OR REPLACE VIEW public.nested AS SELECT at AS "When", price * 2 AS price, units AS pieces FROM public.inner_facts WHERE price <> 'NaN';
SELECT bag_eq('n_day', 'TABLE public.n_day', 'a replaced facts view counts at once');
SELECT kpi.rebuild('j'); SELECT kpi.rebuild('n');
SELECT bag_eq('j_day', 'TABLE public.j_day', 'rebuilt');

-- Reading goes by the right on the facts view; behind security_invoker by that on everything below.
CREATE ROLE window_reader;
GRANT USAGE ON SCHEMA public TO window_reader;
INSERT INTO kpi.dirty VALUES ('j', '-infinity', 'infinity', 'a test');
SET ROLE window_reader;
SELECT throws_ok('SELECT * FROM kpi_data.j_daily', '42501', NULL, 'no right on the facts view');
SELECT throws_ok($$SELECT * FROM kpi._facts(NULL::kpi_data.j_delta, '{[2026-01-01,2026-02-01)}')$$, '42501', NULL, 'not by the back door');
RESET ROLE;
GRANT SELECT ON public.joined TO window_reader;
SET ROLE window_reader;
SELECT bag_eq('SELECT day, row_count FROM kpi_data.j_daily', 'SELECT (at AT TIME ZONE ''Europe/Madrid'')::date, count(*) FROM public.joined WHERE isfinite(at) GROUP BY 1, country, mood',
    'SELECT on the facts view is enough');
RESET ROLE;
ALTER VIEW public.joined SET (security_invoker = on);
SET ROLE window_reader;
SELECT throws_ok('SELECT * FROM kpi_data.j_daily', '42501', 'permission denied for table sale', 'security_invoker asks for the tables too');
RESET ROLE;
GRANT SELECT ON public.sale, public.shop TO window_reader;
SET ROLE window_reader;
SELECT lives_ok('SELECT * FROM kpi_data.j_daily', 'and is content with them');
RESET ROLE;
ALTER TABLE public.shop ENABLE ROW LEVEL SECURITY;
SET ROLE window_reader;
SELECT throws_ok('SELECT * FROM kpi_data.j_daily', '42501', 'row security of "shop" binds you, but a rollup has no rows to hide', 'but not with row security on one');
RESET ROLE;
CREATE OR REPLACE VIEW public.joined WITH (security_invoker = on) AS SELECT s.at, h.country, h.mood, s.amount, s.units
    FROM (SELECT * FROM public.sale WHERE id IN (SELECT id FROM public.sale)) s JOIN public.shop h USING (shop);
ALTER TABLE public.shop DISABLE ROW LEVEL SECURITY;
REVOKE SELECT ON public.sale FROM window_reader;
SET ROLE window_reader;
SELECT throws_ok('SELECT * FROM kpi_data.j_daily', '42501', 'permission denied for table sale', 'sub-selects are seen');
RESET ROLE;
REVOKE ALL ON public.joined, public.shop FROM window_reader;
REVOKE USAGE ON SCHEMA public FROM window_reader;
DROP ROLE window_reader;
SELECT finish();
