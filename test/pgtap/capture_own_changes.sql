-- as: superuser
-- A transaction sees its own changes, exactly, also when it merges, rebuilds, tracks or untracks in between.
\ir ../tools/exact.sql
SELECT plan(20);
CREATE TABLE public.sale (id int PRIMARY KEY, at timestamptz DEFAULT '2024-05-01 10:00Z', country text, amount numeric DEFAULT 1);
CREATE VIEW public.sale_facts AS SELECT at, country, 1 AS sales, amount AS revenue FROM public.sale;
INSERT INTO public.sale (id, country) SELECT i, 'c' || i % 3 FROM generate_series(1, 20) i;

BEGIN;
INSERT INTO public.sale VALUES (100, DEFAULT, 'own');
SELECT kpi.track('public.sale_facts', 'at', '{country}', 'sale', 'UTC', hour_retention => '100 years', build => 'now') \gset
SELECT t.same('sale', 'track after writing in the same transaction');
INSERT INTO public.sale VALUES (101, DEFAULT, 'own');
SELECT t.same('sale', 'and a row after it');
COMMIT;
SELECT t.exact('sale', 'tracked, written and committed together');

BEGIN;
SELECT kpi.untrack('sale') \gset
ROLLBACK;
INSERT INTO public.sale VALUES (110, DEFAULT, 'kept');
SELECT t.exact('sale', 'untrack rolled back');

BEGIN;
INSERT INTO public.sale VALUES (120, DEFAULT, 'own');
UPDATE public.sale SET amount = 3 WHERE id < 5;
SELECT is((SELECT sales FROM kpi_data.sale_daily WHERE country = 'own'), 3::numeric, 'own rows are in the typed view');
SELECT kpi.merge('sale') \gset
SELECT t.same('sale', 'a merge among own changes');
SELECT kpi.rebuild('sale') \gset
SELECT t.same('sale', 'a rebuild among own changes');
DELETE FROM public.sale WHERE id = 120;
SELECT t.same('sale', 'a row that was written before the rebuild and deleted after it');
SAVEPOINT s;
DELETE FROM public.sale WHERE country = 'c1';
SELECT kpi.rebuild('sale') \gset
SELECT t.same('sale', 'a rebuild in a savepoint');
ROLLBACK TO s;
SELECT t.same('sale', 'and undone');
TRUNCATE public.sale;
INSERT INTO public.sale VALUES (130, DEFAULT, 'after');
SELECT t.same('sale', 'own TRUNCATE');
SELECT kpi.rebuild('sale') \gset
SELECT t.same('sale', 'a rebuild after the own TRUNCATE');
COMMIT;
SELECT t.exact('sale', 'all of it, committed');

BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM public.sale \gset
INSERT INTO public.sale VALUES (140, DEFAULT, 'rr');
SELECT t.same('sale', 'own changes under REPEATABLE READ');
SELECT kpi.rebuild('sale') \gset
UPDATE public.sale SET country = 'rr2' WHERE id = 140;
SELECT t.same('sale', 'a rebuild under REPEATABLE READ');
COMMIT;
SELECT t.exact('sale', 'REPEATABLE READ, committed');

-- A function that writes and reads back; a cursor sees what it saw when it was opened.
CREATE FUNCTION public.sell(country text) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.sale (id, country) VALUES (1000 + (SELECT count(*) FROM public.sale), sell.country);
    RETURN (SELECT sales FROM kpi_data.sale_daily d WHERE d.country = sell.country);
END $$;
SELECT is(public.sell('plpgsql'), 1::numeric, 'a function reads what it wrote');
SELECT is(public.sell('plpgsql'), 2::numeric, 'and again in the next transaction');
BEGIN;
DECLARE c CURSOR FOR SELECT sales FROM kpi_data.sale_daily WHERE country = 'plpgsql';
SELECT public.sell('other') \gset
FETCH c \gset c_
SELECT is(:c_sales::numeric, 2::numeric, 'a cursor');
COMMIT;

-- Thousands of keys spill to the delta before the commit, level by level.
SET kpi.accumulator_memory = '1MB';
BEGIN;
INSERT INTO public.sale (id, country) SELECT i, 'key ' || i FROM generate_series(10000, 25000) i;
SAVEPOINT s;
UPDATE public.sale SET country = 'moved ' || id, amount = 2 WHERE id BETWEEN 10000 AND 20000;
ROLLBACK TO s;
DELETE FROM public.sale WHERE id BETWEEN 12000 AND 24000 AND id % 2 = 0;
COMMIT;
SELECT t.exact('sale', 'changes that spilled early, with a savepoint rolled back');
SELECT finish();
