-- as: superuser
-- DDL that changes what a facts view shows without firing a row trigger: marked dirty, followed, or refused with its mend.
\ir ../tools/exact.sql
SELECT plan(63);
CREATE FUNCTION t.dirty(what text) RETURNS text LANGUAGE sql AS $$SELECT isnt_empty('SELECT 1 FROM kpi.dirty', what || ' leaves a mark')$$;
CREATE FUNCTION t.clean(what text) RETURNS text LANGUAGE sql AS $$SELECT is_empty('SELECT * FROM kpi.dirty', what || ' leaves no mark')$$;
\ir ../tools/raised.sql

CREATE TABLE public.ev (id int, at timestamptz NOT NULL, kind text, amount numeric) PARTITION BY RANGE (at);
CREATE TABLE public.ev_1 PARTITION OF public.ev FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE public.ev_2 PARTITION OF public.ev FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE FUNCTION public.weight(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN x * 2;
CREATE VIEW public.ev_facts AS SELECT at, kind, amount, public.weight(amount) AS weighted, 1 AS evs FROM public.ev;
INSERT INTO public.ev SELECT i, timestamptz '2024-01-05' + i * interval '1 day', 'k' || i % 3, i FROM generate_series(0, 50) i;
SELECT kpi.track('public.ev_facts', 'at', '{kind}', 'ev', 'UTC', hour_retention => '100 years', build => 'now') \gset
SELECT t.exact('ev', 'the start');

-- partitions
CREATE TABLE public.filled (gone int, kind text, amount numeric, id int, at timestamptz NOT NULL);
ALTER TABLE public.filled DROP gone;
INSERT INTO public.filled SELECT 'filled', i, i, timestamptz '2024-03-01' + i * interval '1 day' FROM generate_series(0, 20) i;
BEGIN;
ALTER TABLE public.ev ATTACH PARTITION public.filled FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO public.ev VALUES (900, '2024-03-05', 'through', 1);
SELECT t.same('ev', 'ATTACH of a filled partition, inside its transaction');
ROLLBACK;
SELECT t.clean('ATTACH rolled back');
SELECT t.same('ev', 'ATTACH rolled back');
ALTER TABLE public.ev ATTACH PARTITION public.filled FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
SELECT t.dirty('ATTACH');
INSERT INTO public.filled VALUES ('leaf', 5, 901, '2024-03-06');
SELECT t.exact('ev', 'ATTACH of a filled partition, and a row through it');
TRUNCATE public.filled;
SELECT t.dirty('TRUNCATE of the attached partition');
SELECT t.exact('ev', 'TRUNCATE of the attached partition');
INSERT INTO public.filled SELECT 'again', i, i, timestamptz '2024-03-01' + i * interval '1 day' FROM generate_series(0, 20) i;
BEGIN;
ALTER TABLE public.ev DETACH PARTITION public.filled;
INSERT INTO public.filled VALUES ('not counted', 5, 902, '2024-03-06');
SELECT t.same('ev', 'DETACH, inside its transaction');
ROLLBACK;
SELECT t.clean('DETACH rolled back');
ALTER TABLE public.ev DETACH PARTITION public.filled;
SELECT t.dirty('DETACH');
SELECT t.exact('ev', 'DETACH of a filled partition');
INSERT INTO public.filled VALUES ('not counted', 5, 902, '2024-03-06');
TRUNCATE public.filled;
SELECT t.clean('TRUNCATE of what is no partition any more');
SELECT is_empty($$SELECT 1 FROM pg_trigger WHERE tgrelid = 'public.filled'::regclass AND NOT tgisinternal$$, 'a detached partition has none of our triggers');
SELECT t.same('ev', 'rows of what is no partition any more');
ALTER TABLE public.ev DETACH PARTITION public.ev_2 CONCURRENTLY;
SELECT t.exact('ev', 'DETACH CONCURRENTLY');
ALTER TABLE public.ev ATTACH PARTITION public.ev_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
DROP TABLE public.ev_1;
SELECT t.dirty('DROP of a filled partition');
SELECT t.exact('ev', 'DROP of a filled partition');
CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing;
SELECT matches(t.raised($$CREATE FOREIGN TABLE public.far PARTITION OF public.ev FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') SERVER far$$),
    '^0A000 .*far is a foreign table .*"ev" tracks .*window', 'a foreign partition is refused');
CREATE TABLE public.plain (at timestamptz, v int);
CREATE VIEW public.plain_facts AS SELECT at, v AS plain_v FROM public.plain;
SELECT kpi.track('public.plain_facts', 'at', '{}', 'plain', 'UTC', hour_retention => '100 years', build => 'now') \gset
SELECT matches(t.raised('CREATE TABLE public.heir () INHERITS (public.plain)'), '^0A000 .*heir cannot take part in inheritance .*partitioning', 'a child table is refused');
CREATE TABLE public.heir (at timestamptz, v int);
SELECT matches(t.raised('ALTER TABLE public.heir INHERIT public.plain'), '^0A000 .*heir cannot take part in inheritance .*partitioning', 'INHERIT is refused');

-- triggers
ALTER TABLE public.ev DISABLE TRIGGER ALL;
INSERT INTO public.ev VALUES (910, '2024-02-05', 'unseen', 1);
SELECT t.same('ev', 'DISABLE TRIGGER ALL');
SELECT kpi.rebuild('ev') \gset
INSERT INTO public.ev VALUES (911, '2024-02-05', 'unseen', 1);
SELECT t.same('ev', 'a rebuild while the triggers are off is no cure');
ALTER TABLE public.ev ENABLE TRIGGER ALL;
SELECT is_empty($$SELECT 1 FROM pg_trigger WHERE tgname LIKE 'kpi%' AND tgenabled <> 'A'$$, 'ENABLE TRIGGER ALL leaves ours firing always');
INSERT INTO public.ev VALUES (912, '2024-02-05', 'seen', 1);
SELECT t.exact('ev', 'ENABLE TRIGGER ALL');
ALTER TABLE public.ev_2 DISABLE TRIGGER USER;
INSERT INTO public.ev VALUES (913, '2024-02-06', 'unseen', 1);
SELECT t.same('ev', 'DISABLE TRIGGER on a partition');
ALTER TABLE public.ev_2 ENABLE TRIGGER USER;
SELECT t.exact('ev', 'ENABLE TRIGGER on a partition');
BEGIN;
ALTER TABLE public.ev DISABLE TRIGGER kpi_capture_ev;
DELETE FROM public.ev WHERE id > 40;
ROLLBACK;
SELECT t.clean('DISABLE TRIGGER rolled back');
SELECT t.exact('ev', 'DISABLE TRIGGER rolled back');
SELECT matches(t.raised('ALTER TRIGGER kpi_capture_ev ON public.ev RENAME TO mine'), '^0A000 trigger "kpi_capture_ev" belongs to kpi_ext .*untrack', 'our triggers cannot be renamed');
DROP TRIGGER kpi_truncate_plain ON public.plain;
DROP TRIGGER kpi_capture_plain ON public.plain;
INSERT INTO public.plain VALUES ('2024-02-05', 3);
SELECT t.same('plain', 'a dropped capture trigger: reads use the facts view');
SELECT kpi.untrack('plain') \gset

-- the view
CREATE OR REPLACE VIEW public.ev_facts AS SELECT at, upper(kind) AS kind, amount, public.weight(amount) AS weighted, 1 AS evs FROM public.ev WHERE id % 2 = 0;
SELECT t.dirty('CREATE OR REPLACE VIEW');
SELECT t.exact('ev', 'a facts view with other expressions and another filter');
DELETE FROM public.ev WHERE id % 3 = 0;
SELECT t.exact('ev', 'rows that came in under the old definition leave under the new one');
BEGIN;
INSERT INTO public.ev VALUES (921, '2024-02-07', 'odd', 1), (922, '2024-02-07', 'even', 1);
CREATE OR REPLACE VIEW public.ev_facts AS SELECT at, kind, amount, public.weight(amount) AS weighted, 1 AS evs FROM public.ev WHERE id % 2 = 1;
INSERT INTO public.ev VALUES (923, '2024-02-07', 'odd', 1), (924, '2024-02-07', 'even', 1);
SELECT t.same('ev', 'a view replaced between rows of one transaction');
COMMIT;
SELECT t.exact('ev', 'a view replaced between rows of one transaction, committed');
CREATE OR REPLACE VIEW public.ev_facts AS SELECT at, kind, amount, public.weight(amount) AS weighted, 1 AS evs, kind || '!' AS remark FROM public.ev;
SELECT t.exact('ev', 'a further column that is no measure');
BEGIN;
CREATE OR REPLACE VIEW public.ev_facts AS SELECT at, kind, amount, public.weight(amount) AS weighted, 1 AS evs, kind || '!' AS remark, id FROM public.ev;
SELECT t.same('ev', 'a further number, which is no measure before kpi.add_measure makes it one');
ROLLBACK;
SELECT matches(t.raised('CREATE OR REPLACE VIEW public.ev_facts AS SELECT at, kind, amount, public.weight(amount) AS weighted, 1 AS evs, kind || ''!'' AS remark FROM public.ev LIMIT 5'),
    '^0A000 .*LIMIT.*untrack', 'what capture cannot follow is refused');
SELECT matches(t.raised('CREATE OR REPLACE VIEW public.ev_facts AS SELECT at, now()::text AS kind, amount, public.weight(amount) AS weighted, 1 AS evs, kind || ''!'' AS remark FROM public.ev'),
    '^0A000 .*immutable.*untrack', 'a STABLE expression is refused');
ALTER VIEW public.ev_facts RENAME COLUMN evs TO events;
ALTER VIEW public.ev_facts RENAME COLUMN kind TO sort;
ALTER VIEW public.ev_facts RENAME COLUMN at TO "happened at";
ALTER VIEW public.ev_facts RENAME TO event_facts;
INSERT INTO public.ev VALUES (931, '2024-02-08', 'renamed', 1);
SELECT is((SELECT events FROM kpi_data.ev_daily WHERE sort = 'renamed'), 1::numeric, 'typed views follow renamed columns');
SELECT t.exact('ev', 'renamed view, measure, dimension and time column');
SELECT is((SELECT formula FROM kpi.metric WHERE name = 'events'), 'events', 'the metric of a renamed measure follows');
SELECT matches(t.raised('ALTER VIEW public.event_facts RENAME COLUMN sort TO day'), '^42P17 "day" .*another name', 'a name that the typed views use is refused');

-- what the view calls
CREATE OR REPLACE FUNCTION public.weight(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN x * 3;
SELECT t.dirty('CREATE OR REPLACE FUNCTION');
SELECT t.exact('ev', 'a function with another body');
BEGIN;
UPDATE public.ev SET amount = amount + 1;
CREATE OR REPLACE FUNCTION public.weight(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN x * 4;
UPDATE public.ev SET amount = amount + 1;
SELECT t.same('ev', 'a function replaced between changes of one transaction');
ROLLBACK;
UPDATE public.ev SET amount = amount - 1;
SELECT t.exact('ev', 'and rolled back');

-- the table
ALTER TABLE public.ev ADD extra int, DROP COLUMN id CASCADE;
SELECT is((SELECT count(*) FROM kpi.source), 1::bigint, 'a column that the view does not use may go');
INSERT INTO public.ev VALUES ('2024-02-09', 'after', 1, 1);
SELECT t.exact('ev', 'columns added and dropped');
SELECT throws_ok('ALTER TABLE public.ev DROP COLUMN kind', '2BP01', NULL, 'PostgreSQL keeps a column that the view uses');
SELECT throws_ok('ALTER TABLE public.ev ALTER amount TYPE numeric(10, 2)', '0A000', NULL, 'and its type');
CREATE TABLE public.lg (at timestamptz, v int);
CREATE VIEW public.lg_facts AS SELECT at, v AS lg_v FROM public.lg;
SELECT kpi.track('public.lg_facts', 'at', '{}', 'lg', 'UTC', hour_retention => '100 years', build => 'now') \gset
ALTER TABLE public.lg SET UNLOGGED;
SELECT t.dirty('SET UNLOGGED');
ALTER TABLE public.lg SET LOGGED;
INSERT INTO public.lg VALUES ('2024-02-09', 1);
SELECT t.exact('lg', 'SET UNLOGGED and back');
CREATE INDEX lg_at ON public.lg (at);
CLUSTER public.lg USING lg_at;
VACUUM FULL public.lg;
INSERT INTO public.lg VALUES ('2024-02-10', 1);
SELECT t.exact('lg', 'a table rewritten by CLUSTER and VACUUM FULL');

-- dropping
SELECT matches(t.raised('DROP VIEW public.lg_facts'), '^2BP01 cannot drop the facts view of source "lg" .*untrack.*CASCADE', 'DROP VIEW is refused while tracked');
SELECT throws_ok('DROP TABLE public.lg', '2BP01', NULL, 'DROP TABLE needs CASCADE, as for any view');
BEGIN;
DROP TABLE public.lg CASCADE;
ROLLBACK;
SELECT t.exact('lg', 'DROP TABLE CASCADE rolled back');
DROP TABLE public.lg CASCADE;
SELECT is_empty($$SELECT 1 FROM kpi.source WHERE name = 'lg'$$, 'DROP TABLE CASCADE takes the source with it');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relname LIKE 'lg\_%' AND relnamespace = 'kpi_data'::regnamespace$$, 'and its tables');
ALTER TABLE public.ev DROP COLUMN kind CASCADE;
SELECT is_empty('SELECT 1 FROM kpi.source', 'DROP of a dimension''s column with CASCADE takes view and source with it');
SELECT lives_ok($$INSERT INTO public.ev VALUES ('2024-02-09', 1)$$, 'and the table is as before');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgname LIKE 'kpi%'$$, 'no trigger is left anywhere');
SELECT finish();
