-- as: superuser
-- What the tracked table may be: partitioned, in any schema, with any name, renamed, watched by several sources.
\ir ../tools/exact.sql
SELECT plan(26);

-- Partitions: one with another column order, one with dropped columns, sub-partitions.
CREATE TABLE public.event (id int, at timestamptz NOT NULL, kind text, amount numeric) PARTITION BY RANGE (at);
CREATE TABLE public.event_1 PARTITION OF public.event FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE public.event_2 (junk int, amount numeric, gone date, kind text, at timestamptz NOT NULL, id int);
ALTER TABLE public.event_2 DROP junk, DROP gone;
ALTER TABLE public.event ATTACH PARTITION public.event_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE public.event_3 (gone int, kind text, id int, amount numeric, at timestamptz NOT NULL) PARTITION BY LIST (kind);
ALTER TABLE public.event_3 DROP gone;
ALTER TABLE public.event ATTACH PARTITION public.event_3 FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
CREATE TABLE public.event_3a (amount numeric, gone text, kind text, at timestamptz NOT NULL, id int);
ALTER TABLE public.event_3a DROP gone;
ALTER TABLE public.event_3 ATTACH PARTITION public.event_3a FOR VALUES IN ('a');
CREATE TABLE public.event_3b PARTITION OF public.event_3 DEFAULT;
CREATE VIEW public.event_facts AS SELECT at, kind, 1 AS events, amount * 2 AS doubled FROM public.event WHERE amount IS NOT NULL;
INSERT INTO public.event SELECT i, timestamptz '2024-01-01 00:00Z' + i * interval '11 hours', (ARRAY['a', 'b', NULL])[i % 3 + 1], i
    FROM generate_series(0, 180) i;
SELECT kpi.track('public.event_facts', 'at', '{kind}', 'event', 'UTC', hour_retention => '100 years', build => 'now') \gset
SELECT t.exact('event', 'a partitioned table is built');
INSERT INTO public.event SELECT 1000 + i, timestamptz '2024-01-01 00:00Z' + i * interval '23 hours', (ARRAY['a', 'b', NULL])[i % 3 + 1], i
    FROM generate_series(0, 90) i;
SELECT t.exact('event', 'INSERT through the root');
INSERT INTO public.event_2 VALUES (5, 'leaf', '2024-02-10 10:00Z', 2001);
INSERT INTO public.event_3 VALUES ('a', 2002, 6, '2024-03-10 10:00Z'), ('z', 2003, 7, '2024-03-10 10:00Z');
INSERT INTO public.event_3a VALUES (8, 'a', '2024-03-11 10:00Z', 2004);
SELECT is((SELECT doubled FROM kpi_data.event_daily WHERE kind = 'leaf'), 10::numeric, 'INSERT into a leaf with other columns');
SELECT t.exact('event', 'INSERT into leaves and into the middle of the tree');
COPY public.event_3a FROM stdin;
9	a	2024-03-12 10:00:00+00	2005
\.
SELECT t.exact('event', 'COPY into a leaf');
UPDATE public.event SET at = at + interval '1 month' WHERE id % 2 = 0 AND at < '2024-03-01 00:00Z';
SELECT t.exact('event', 'UPDATE that moves rows between partitions');
UPDATE public.event SET kind = CASE WHEN kind = 'a' THEN 'b' ELSE 'a' END, amount = amount + 1 WHERE at >= '2024-03-01 00:00Z';
SELECT t.exact('event', 'UPDATE that moves rows between sub-partitions');
UPDATE public.event_3a SET amount = NULL WHERE id % 3 = 0;
DELETE FROM public.event_2 WHERE id % 3 = 0;
SELECT t.exact('event', 'UPDATE and DELETE on leaves');
CREATE TABLE public.event_4 PARTITION OF public.event FOR VALUES FROM ('2024-04-01') TO ('2024-05-01');
INSERT INTO public.event VALUES (3000, '2024-04-05 10:00Z', 'new', 1);
SELECT is((SELECT events FROM kpi_data.event_daily WHERE kind = 'new'), 1::numeric, 'a partition made later is captured');
SELECT t.exact('event', 'a partition made later');
TRUNCATE public.event_2;
SELECT isnt_empty('SELECT 1 FROM kpi.dirty', 'TRUNCATE of a leaf leaves a mark');
SELECT t.exact('event', 'TRUNCATE of a leaf');
BEGIN;
TRUNCATE public.event_3;
INSERT INTO public.event VALUES (3001, '2024-03-05 10:00Z', 'a', 1);
SELECT t.same('event', 'TRUNCATE of a branch, inside its transaction');
ROLLBACK;
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'its mark goes with the ROLLBACK');
TRUNCATE public.event;
SELECT t.exact('event', 'TRUNCATE of the root');

-- Other schemas, names that need quotes, renames.
CREATE SCHEMA "Shop's ""data""";
CREATE TABLE "Shop's ""data"""."Order Items" ("At" timestamptz, "Land/Code" text, "Größe" int, "select" numeric);
CREATE VIEW "Shop's ""data"""."Order Facts" AS
    SELECT "At", "Land/Code", "Größe" AS "Größe der 'Kiste'", "select" AS "Umsatz $1", 1 AS "COUNT" FROM "Shop's ""data"""."Order Items";
INSERT INTO "Shop's ""data"""."Order Items" VALUES ('2024-05-01 12:00Z', 'd''e', 3, 1.5);
SELECT is(kpi.track('"Shop''s ""data"""."Order Facts"', 'At', '{Land/Code}', timezone => 'UTC', hour_retention => '100 years', build => 'now'), 'order_facts',
    'the default name of a source is the view''s in plain letters');
INSERT INTO "Shop's ""data"""."Order Items" VALUES ('2024-05-01 12:00Z', 'd"e', 3, 1.5), ('2024-05-01 13:00Z', E'\\d''e', 4, 2.5);
SELECT is((SELECT sum("Umsatz $1") FROM kpi_data.order_facts_daily), 5.5, 'the typed view has the view''s column names');
SELECT t.exact('order_facts', 'names that need quotes');
ALTER TABLE "Shop's ""data"""."Order Items" RENAME TO items;
ALTER SCHEMA "Shop's ""data""" RENAME TO shop;
INSERT INTO shop.items VALUES ('2024-05-02 12:00Z', 'renamed', 3, 1.5);
ALTER TABLE shop.items RENAME "select" TO price;
ALTER TABLE shop.items ADD extra int DEFAULT 7;
INSERT INTO shop.items VALUES ('2024-05-02 12:00Z', 'renamed', 3, 2.5, 1);
UPDATE shop.items SET price = price * 2 WHERE "Land/Code" = 'renamed';
SELECT is((SELECT "Umsatz $1" FROM kpi_data.order_facts_daily WHERE "Land/Code" = 'renamed'), 8.0, 'rename of table, schema and column while tracked');
SELECT t.exact('order_facts', 'renames while tracked');
ALTER TABLE shop.items SET SCHEMA public;
INSERT INTO public.items VALUES ('2024-05-03 12:00Z', 'moved', 3, 1.5);
SELECT t.exact('order_facts', 'a table that moves to another schema');

-- Two sources on one table, with different filters, zones and dimensions.
CREATE TABLE public.visit (at timestamptz, page text, ms int, ok boolean);
CREATE VIEW public.visit_facts AS SELECT at, page, 1 AS visits FROM public.visit;
CREATE VIEW public.slow_facts AS SELECT at, ok, ms AS slow_ms, 1 AS slow FROM public.visit WHERE ms > 100;
SELECT kpi.track('public.visit_facts', 'at', '{page}', 'visit', 'Asia/Kolkata', hour_retention => '100 years', build => 'now') \gset
SELECT kpi.track('public.slow_facts', 'at', '{ok}', 'slow', 'America/New_York', hour_retention => '100 years', build => 'now') \gset
INSERT INTO public.visit SELECT timestamptz '2024-03-10 00:00Z' + i * interval '17 minutes', 'p' || i % 3, i, i % 2 = 0 FROM generate_series(1, 200) i;
BEGIN;
UPDATE public.visit SET ms = ms - 50, page = 'moved' WHERE ms % 4 = 0;
SAVEPOINT s;
DELETE FROM public.visit WHERE ms < 100;
ROLLBACK TO s;
DELETE FROM public.visit WHERE ms > 190;
COMMIT;
SELECT t.exact('visit', 'two sources on one table: the first');
SELECT t.exact('slow', 'two sources on one table: the second');
SELECT lives_ok($$SELECT kpi.untrack('slow')$$, 'one of two sources is untracked');
INSERT INTO public.visit VALUES ('2024-03-11 00:00Z', 'later', 500, true);
SELECT t.exact('visit', 'the other one goes on');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgname LIKE 'kpi%slow'$$, 'untrack takes its triggers with it');
SELECT finish();
