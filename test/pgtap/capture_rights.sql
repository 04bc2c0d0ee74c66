-- as: superuser
-- Whose rights capture uses, who may track and read, what forged triggers do, and when capture suspends itself.
\ir ../tools/exact.sql
\set shown '''SELECT at, ''''kpi_olga for '''' || country AS who, amount AS revenue FROM public.sale'''
SELECT plan(37);
CREATE ROLE kpi_olga; CREATE ROLE kpi_wim; CREATE ROLE kpi_eve; CREATE ROLE kpi_rita; CREATE ROLE kpi_other;
GRANT CREATE ON SCHEMA public TO kpi_olga, kpi_eve, kpi_other;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA kpi TO kpi_olga;
GRANT USAGE ON SCHEMA t TO PUBLIC;

SET ROLE kpi_olga;
CREATE FUNCTION public.whose(x text) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS
    'BEGIN RETURN current_user || '' for '' || x; END';
REVOKE EXECUTE ON FUNCTION public.whose(text) FROM PUBLIC;
CREATE TABLE public.sale (at timestamptz DEFAULT '2024-05-01 10:00Z', country text, amount numeric DEFAULT 1);
CREATE VIEW public.sale_facts AS SELECT at, public.whose(country) AS who, amount AS revenue FROM public.sale;
GRANT INSERT ON public.sale TO kpi_wim;
SELECT is(kpi.track('public.sale_facts', 'at', '{who}', 'sale', 'UTC', hour_retention => '100 years', build => 'now'), 'sale',
    'a plain role tracks its own view of its own table');
RESET ROLE;
SELECT throws_ok($$SET ROLE kpi_wim; SELECT kpi.track('public.sale_facts', 'at')$$, '42501', NULL, 'kpi.track is not for everybody');
RESET ROLE;
SET ROLE kpi_wim;
SELECT lives_ok($$INSERT INTO public.sale (country) VALUES ('wim')$$, 'a writer who may only INSERT');
SELECT throws_ok($$SELECT public.whose('x')$$, '42501', NULL, 'may not call the view''s function himself');
RESET ROLE;
SELECT lives_ok($$INSERT INTO public.sale (country) VALUES ('root')$$, 'a superuser writes');
SELECT set_eq('SELECT who FROM kpi_data.sale_daily', '{kpi_olga for wim,kpi_olga for root}'::text[], 'the view''s functions run as its owner, for every writer');
SET ROLE kpi_olga;
SELECT t.exact('sale', 'and everything agrees, seen by the owner', :shown);
RESET ROLE;

-- a function of the view cannot do what a security-restricted operation forbids
SET ROLE kpi_olga;
CREATE TABLE public.trap (note text);
CREATE FUNCTION public.sly(x numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE 'SET ROLE postgres';
    RETURN x;
END $$;
CREATE TABLE public.bait (at timestamptz DEFAULT '2024-05-01 10:00Z', n numeric);
CREATE VIEW public.bait_facts AS SELECT at, public.sly(n) AS baits FROM public.bait;
SELECT kpi.track('public.bait_facts', 'at', '{}', 'bait', 'UTC') \gset
RESET ROLE;
SELECT lives_ok('INSERT INTO public.bait (n) VALUES (1)', 'a view function that wants to become another role fails no writer');
SELECT is(current_user, session_user, 'and becomes nobody');
SELECT kpi.untrack('bait') \gset

-- reading
GRANT SELECT ON public.sale_facts TO kpi_rita;
SET ROLE kpi_rita;
SELECT lives_ok('SELECT * FROM kpi_data.sale_daily', 'SELECT on the facts view is the right to read the KPIs');
SELECT throws_ok('SELECT * FROM kpi_data.sale_rollup_day', '42501', NULL, 'but not the rollups themselves');
SELECT throws_ok('SELECT * FROM kpi_data.sale_delta', '42501', NULL, 'nor the deltas');
SELECT lives_ok($$SELECT kpi.verify('sale')$$, 'verify compares only what a reader may read');
SELECT throws_ok($$SELECT kpi.merge('sale')$$, '42501', NULL, 'merge is for the owner');
SELECT throws_ok($$SELECT kpi.rebuild('sale')$$, '42501', NULL, 'rebuild is for the owner');
SELECT throws_ok($$SELECT kpi.untrack('sale')$$, '42501', NULL, 'untrack is for the owner');
SELECT throws_ok($$DELETE FROM kpi.dirty$$, '42501', NULL, 'nobody takes marks away by hand');
RESET ROLE;
SET ROLE kpi_eve;
SELECT throws_ok('SELECT * FROM kpi_data.sale_daily', '42501', NULL, 'without SELECT on the facts view nothing can be read');
SELECT throws_ok('SELECT * FROM kpi_data.sale_hourly', '42501', NULL, 'hourly neither');
SELECT throws_ok($$SELECT * FROM kpi._facts(NULL::kpi_data.sale_delta, '{(,)}')$$, '42501', NULL, 'nor the facts');
SELECT throws_ok($$SELECT kpi._dirty_days('sale')$$, '42501', NULL, 'nor what is dirty');

-- forged triggers
CREATE TABLE public.eve (at timestamptz DEFAULT '2024-05-01 10:00Z', country text, amount numeric);
SELECT throws_ok($$CREATE TRIGGER kpi_capture_sale AFTER INSERT ON public.eve FOR EACH ROW EXECUTE FUNCTION kpi.capture('sale')$$, '42501', NULL,
    'nobody may hang the capture function on a table of his own');
RESET ROLE;
GRANT EXECUTE ON FUNCTION kpi.capture(), kpi.capture_truncate() TO kpi_eve;
SET ROLE kpi_eve;
CREATE TRIGGER kpi_capture_sale AFTER INSERT ON public.eve FOR EACH ROW EXECUTE FUNCTION kpi.capture('sale');
CREATE TRIGGER kpi_truncate_sale AFTER TRUNCATE ON public.eve FOR EACH STATEMENT EXECUTE FUNCTION kpi.capture_truncate('sale');
CREATE TRIGGER no_argument AFTER INSERT ON public.eve FOR EACH ROW EXECUTE FUNCTION kpi.capture();
INSERT INTO public.eve (country, amount) VALUES ('eve', 1000000);
TRUNCATE public.eve;
RESET ROLE;
SELECT is_empty($$SELECT 1 FROM kpi_data.sale_daily WHERE who LIKE '%eve%'$$, 'a forged trigger adds nothing to another source');
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'and a forged TRUNCATE trigger marks nothing');
SELECT throws_ok('CREATE TRIGGER x BEFORE INSERT ON public.eve FOR EACH ROW EXECUTE FUNCTION kpi.capture(''sale''); INSERT INTO public.eve VALUES (now())',
    '39P01', NULL, 'a BEFORE trigger with it is refused');
SELECT t.same('sale', 'the real trigger is not confused', :shown);

-- Owners that differ: capture suspends itself, marks the source, and never fails the writer.
ALTER VIEW public.sale_facts OWNER TO kpi_other;
SELECT lives_ok($$SET ROLE kpi_wim; INSERT INTO public.sale (country) VALUES ('suspended')$$, 'a write after the view got another owner');
RESET ROLE;
SELECT isnt_empty('SELECT 1 FROM kpi.dirty', 'marks the source dirty');
ALTER VIEW public.sale_facts OWNER TO kpi_olga;
SELECT kpi.rebuild('sale') \gset
INSERT INTO public.sale (country) VALUES ('back');
SELECT t.exact('sale', 'exact again once one role owns both', :shown);
ALTER TABLE public.sale OWNER TO kpi_other;
SELECT lives_ok($$INSERT INTO public.sale (country) VALUES ('suspended again')$$, 'a write after the table got another owner');
SELECT isnt_empty('SELECT 1 FROM kpi.dirty', 'marks the source dirty');
ALTER TABLE public.sale OWNER TO kpi_olga;
SELECT kpi.rebuild('sale') \gset
INSERT INTO public.sale (country) VALUES ('back again');
SELECT t.exact('sale', 'exact again', :shown);

-- row security
ALTER TABLE public.sale ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.sale USING (country <> 'root');
INSERT INTO public.sale (country) VALUES ('policy');
SELECT t.exact('sale', 'row security that does not bind the owner changes nothing', :shown);
ALTER TABLE public.sale FORCE ROW LEVEL SECURITY;
SELECT lives_ok($$INSERT INTO public.sale (country) VALUES ('forced')$$, 'a write under FORCE ROW LEVEL SECURITY');
ALTER TABLE public.sale NO FORCE ROW LEVEL SECURITY;
SELECT kpi.rebuild('sale') \gset
SELECT t.exact('sale', 'exact once it is not forced any more', :shown);
SET ROLE kpi_olga;
SELECT lives_ok($$SELECT kpi.untrack('sale')$$, 'the owner untracks');
SELECT is_empty($$SELECT 1 FROM pg_class WHERE relname LIKE 'sale\_%' AND relnamespace = 'kpi_data'::regnamespace$$, 'and nothing is left');
RESET ROLE;
SELECT finish();
