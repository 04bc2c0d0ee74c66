-- as: superuser
-- Every kind of statement that changes a tracked table: typed views, merge, rebuild and verify against recomputation.
\ir ../tools/exact.sql
SET timezone = 'Asia/Tokyo';
CREATE TABLE public.sale (
    id int PRIMARY KEY, at timestamptz, country text, channel text, amount numeric, qty int, status text DEFAULT 'paid', note text
);
CREATE VIEW public.sale_facts AS
    SELECT at, country, channel, 1 AS sales, amount AS revenue, qty AS pieces FROM public.sale WHERE status <> 'void';
INSERT INTO public.sale SELECT i, timestamptz '2024-03-30 20:00Z' + i * interval '1 hour', (ARRAY['ES', 'FR', NULL])[i % 3 + 1],
    (ARRAY['web', 'shop'])[i % 2 + 1], i * 1.25, i % 4, CASE WHEN i % 7 = 0 THEN 'void' ELSE 'paid' END FROM generate_series(1, 60) i;

SELECT plan(38);
SELECT is(kpi.track('public.sale_facts', 'at', '{country,channel}', 'sale', 'Europe/Madrid', hour_retention => '100 years'), 'sale',
    'track returns the name of the source');
SELECT t.same('sale', 'exact before its build');
SELECT t.exact('sale', 'the build');

INSERT INTO public.sale VALUES (101, '2024-05-01 10:00Z', 'ES', 'web', 10, 1), (102, '2024-05-01 10:30Z', 'ES', 'web', 20.5, 2),
    (103, '2024-05-01 23:30Z', NULL, 'app', 3, 3), (104, '2024-05-02 08:00Z', 'FR', NULL, NULL, NULL);
SELECT is((SELECT revenue FROM kpi_data.sale_daily WHERE day = '2024-05-01' AND country = 'ES' AND channel = 'web'), 30.5, 'two rows make one segment');
SELECT is((SELECT row_count FROM kpi_data.sale_daily WHERE day = '2024-05-02' AND country IS NULL), 1::bigint, '23:30Z is the next day in Madrid');
SELECT t.exact('sale', 'INSERT');
UPDATE public.sale SET amount = amount * 1.1 WHERE id <= 10;
SELECT t.exact('sale', 'UPDATE of a measure');
UPDATE public.sale SET country = CASE WHEN country = 'ES' THEN NULL ELSE 'ES' END WHERE id BETWEEN 5 AND 20;
SELECT t.exact('sale', 'UPDATE of a dimension, from and to NULL');
UPDATE public.sale SET at = at + interval '1 day' WHERE id % 5 = 0;
SELECT t.exact('sale', 'UPDATE of the time');
UPDATE public.sale SET at = NULL WHERE id = 3;
SELECT t.exact('sale', 'a time that becomes NULL');
UPDATE public.sale SET at = '2024-06-01 12:00Z' WHERE id = 3;
SELECT t.exact('sale', 'a time that was NULL');
UPDATE public.sale SET status = CASE status WHEN 'void' THEN 'paid' ELSE 'void' END WHERE id % 3 = 0;
SELECT t.exact('sale', 'UPDATE of the filter column, into and out of the view');
UPDATE public.sale SET status = NULL WHERE id = 102;
SELECT t.exact('sale', 'a filter that becomes NULL');
UPDATE public.sale SET note = 'x';
SELECT is((SELECT count(*) FROM kpi_data.sale_delta), 0::bigint, 'an UPDATE that no column of the view sees leaves no delta');
UPDATE public.sale SET amount = amount, country = country WHERE id < 30;
SELECT is((SELECT count(*) FROM kpi_data.sale_delta), 0::bigint, 'nor does one that changes no value');
UPDATE public.sale SET id = id + 1000;
UPDATE public.sale SET id = id - 1000;
SELECT t.exact('sale', 'UPDATE of the key');
DELETE FROM public.sale WHERE id % 4 = 0;
SELECT t.exact('sale', 'DELETE');
INSERT INTO public.sale VALUES (200, '2024-07-01 12:00Z', 'ONLY', 'web', 0, 0);
DELETE FROM public.sale WHERE id = 200;
SELECT is_empty($$SELECT 1 FROM kpi_data.sale_daily WHERE country = 'ONLY'$$, 'a segment without rows does not exist');
SELECT t.exact('sale', 'insert and delete of the only row of a segment');
INSERT INTO public.sale VALUES (201, '2024-07-01 12:00Z', 'ZERO', 'web', 0, 0);
SELECT is((SELECT row_count FROM kpi_data.sale_daily WHERE country = 'ZERO'), 1::bigint, 'a segment whose rows sum to 0 exists');
SELECT t.exact('sale', 'rows that sum to 0');

MERGE INTO public.sale s USING (SELECT i, 100 + i AS amount FROM generate_series(1, 30) i) n ON s.id = n.i
    WHEN MATCHED AND n.i % 3 = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET amount = n.amount, channel = 'merged'
    WHEN NOT MATCHED THEN INSERT VALUES (n.i, '2024-05-05 05:05Z', 'IT', 'merged', n.amount, 1);
SELECT t.exact('sale', 'MERGE that inserts, updates and deletes');
INSERT INTO public.sale SELECT i, '2024-08-01 01:00Z', 'US', 'conflict', i, 1 FROM generate_series(20, 40) i
    ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, at = excluded.at;
SELECT t.exact('sale', 'ON CONFLICT DO UPDATE');
INSERT INTO public.sale SELECT i, '2024-08-02 01:00Z', 'US', 'nothing', i, 1 FROM generate_series(30, 50) i ON CONFLICT DO NOTHING;
SELECT t.exact('sale', 'ON CONFLICT DO NOTHING');
INSERT INTO public.sale VALUES (41, '2024-08-02 01:00Z', 'US', 'where', 1, 1) ON CONFLICT (id) DO UPDATE SET amount = -1 WHERE public.sale.id < 0;
SELECT t.exact('sale', 'ON CONFLICT DO UPDATE whose WHERE says no');
WITH gone AS (DELETE FROM public.sale WHERE id < 10 RETURNING *), back AS (INSERT INTO public.sale SELECT id + 500, at, country, channel, amount, qty FROM gone RETURNING 1)
    SELECT count(*) FROM back \gset
SELECT t.exact('sale', 'data-modifying WITH');

COPY public.sale (id, at, country, channel, amount, qty) FROM stdin;
301	2024-09-01 10:00:00+00	ES	copy	1.5	1
302	2024-09-01 11:00:00+00	\N	copy	2.5	2
303	\N	ES	copy	3.5	3
\.
SELECT t.exact('sale', 'COPY');
-- 301 exists: the rows before it were captured and are rolled back
\set ON_ERROR_STOP 0
COPY public.sale (id, at, country, channel, amount, qty) FROM stdin;
401	2024-09-01 10:00:00+00	ES	bad	1.5	1
402	2024-09-01 11:00:00+00	ES	bad	2.5	2
301	2024-09-01 11:00:00+00	ES	bad	2.5	2
\.
\set ON_ERROR_STOP 1
SELECT is_empty('SELECT 1 FROM kpi_data.sale_daily WHERE channel = ''bad''', 'COPY with a failing row leaves nothing');
SELECT t.exact('sale', 'COPY with a failing row');
SELECT throws_ok('INSERT INTO public.sale VALUES (601, now(), ''ES'', ''bad'', 1, 1), (301, now(), ''ES'', ''bad'', 1, 1)', '23505',
    NULL, 'an INSERT that fails at its second row');
SELECT t.exact('sale', 'a failing INSERT');

BEGIN;
TRUNCATE public.sale;
SELECT t.same('sale', 'TRUNCATE, inside its transaction');
INSERT INTO public.sale VALUES (1, '2024-05-01 10:00Z', 'ES', 'web', 10, 1);
SELECT t.same('sale', 'TRUNCATE and INSERT, inside the transaction');
ROLLBACK;
SELECT t.exact('sale', 'TRUNCATE rolled back');
BEGIN;
INSERT INTO public.sale VALUES (701, '2024-05-01 10:00Z', 'ES', 'before', 10, 1);
SAVEPOINT s;
TRUNCATE public.sale;
INSERT INTO public.sale VALUES (702, '2024-05-01 10:00Z', 'ES', 'between', 10, 1);
ROLLBACK TO s;
INSERT INTO public.sale VALUES (703, '2024-05-01 10:00Z', 'ES', 'after', 10, 1);
COMMIT;
SELECT is((SELECT count(*) FROM kpi.dirty), 0::bigint, 'ROLLBACK TO takes the mark of a TRUNCATE with it');
SELECT t.exact('sale', 'TRUNCATE undone by ROLLBACK TO, with rows before and after');
TRUNCATE public.sale;
SELECT is((SELECT why FROM kpi.dirty), 'TRUNCATE', 'TRUNCATE leaves a mark');
INSERT INTO public.sale VALUES (1, '2024-05-01 10:00Z', 'ES', 'web', 10, 1);
SELECT t.exact('sale', 'TRUNCATE and then an INSERT');
SELECT finish();
