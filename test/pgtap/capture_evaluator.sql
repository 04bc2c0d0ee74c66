-- as: superuser
-- The prepared expressions of a facts view: one set a session, whatever is invalidated, and never an old one.
CREATE TABLE public.t (at timestamptz DEFAULT '2026-03-01 10:00Z', x int);
CREATE FUNCTION public.f(x int) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT x + 1';
CREATE FUNCTION public.g(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS 'BEGIN RETURN x; END';
CREATE VIEW public.t_facts AS SELECT at, x AS a, public.f(x) AS b, public.g(x) AS c FROM public.t;
SELECT plan(6);
SELECT kpi.track('public.t_facts', 'at', timezone => 'UTC', build => 'now') \gset
INSERT INTO public.t (x) VALUES (1);

-- Every CREATE TABLE invalidates them, and a row between two prepares them anew.
CREATE FUNCTION pg_temp.rounds(n int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    FOR i IN 1..n LOOP CREATE TEMP TABLE zz (a int); INSERT INTO public.t (x) VALUES (i); DROP TABLE zz; END LOOP; END $$;
CREATE FUNCTION pg_temp.contexts() RETURNS bigint LANGUAGE sql AS
    $$SELECT count(*) FROM pg_backend_memory_contexts WHERE name LIKE 'kpi%'$$;
BEGIN;
SELECT pg_temp.rounds(20);
SELECT pg_temp.contexts() AS early \gset
SELECT pg_temp.rounds(100);
SELECT is(pg_temp.contexts(), :early::bigint, 'a hundred invalidations in one transaction leave nothing behind');
COMMIT;
SELECT kpi.merge('t_facts') \gset
SELECT is_empty($$SELECT * FROM kpi.verify('t_facts')$$, 'and the numbers are right');

-- Functions are replaced between two transactions and inside one.
CREATE OR REPLACE FUNCTION public.f(x int) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT x + 100';
INSERT INTO public.t (x) VALUES (1);
SELECT is_empty($$SELECT * FROM kpi.verify('t_facts')$$, 'a replaced SQL function is used at once');
BEGIN;
INSERT INTO public.t (x) VALUES (2);
CREATE OR REPLACE FUNCTION public.g(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS 'BEGIN RETURN 10 * x; END';
INSERT INTO public.t (x) VALUES (3);
COMMIT;
SELECT isnt_empty('SELECT 1 FROM kpi.dirty', 'replacing a function makes the history dirty');
SELECT kpi.rebuild('t_facts') \gset
INSERT INTO public.t (x) VALUES (4);
SELECT is_empty($$SELECT * FROM kpi.verify('t_facts')$$, 'after the repair the numbers are right');
SELECT is(kpi.value('c', '2026-03-01 12:00Z'), (SELECT sum(10 * x)::numeric FROM public.t), 'a replaced PL/pgSQL function is used at once');
SELECT * FROM finish();
