-- as: superuser
-- Values that are hard to add up or to group by: specials, scales, sizes, NULLs, domains, enums, collations.
\ir ../tools/exact.sql
SELECT plan(43);

-- 0 to 3 dimensions over the same table; NULL is not the total, whatever the number of levels
CREATE TABLE public.t3 (at timestamptz, a text, b int, c boolean, v numeric);
CREATE VIEW public.none AS SELECT at, v AS v0 FROM public.t3;
CREATE VIEW public.one AS SELECT at, a, v AS v1 FROM public.t3;
CREATE VIEW public.two AS SELECT at, a, b, v AS v2 FROM public.t3;
CREATE VIEW public.three AS SELECT at, a, b, c, v AS v3 FROM public.t3;
SELECT kpi.track('public.none', 'at', '{}', timezone => 'UTC', hour_retention => '100 years', build => 'now') \gset
SELECT kpi.track('public.one', 'at', '{a}', timezone => 'UTC', hour_retention => '100 years', build => 'now') \gset
SELECT kpi.track('public.two', 'at', '{b,a}', timezone => 'UTC', hour_retention => '100 years', build => 'now') \gset
SELECT kpi.track('public.three', 'at', '{a,b,c}', timezone => 'UTC', hour_retention => '100 years', build => 'now') \gset
INSERT INTO public.t3 SELECT timestamptz '2024-05-01 00:00Z' + i * interval '7 hours', (ARRAY['x', NULL, ''])[i % 3 + 1],
    nullif(i % 4, 0), (ARRAY[true, false, NULL])[i % 3 + 1], i FROM generate_series(1, 30) i;
SELECT t.exact('none', '0 dimensions');
SELECT t.exact('one', '1 dimension with NULL and the empty string');
SELECT t.exact('two', '2 dimensions, in another order than the view');
SELECT t.exact('three', '3 dimensions');
UPDATE public.t3 SET a = NULL, b = NULL WHERE v < 10;
DELETE FROM public.t3 WHERE a = '';
SELECT t.exact('none', '0 dimensions after UPDATE and DELETE');
SELECT t.exact('one', '1 dimension after UPDATE and DELETE');
SELECT t.exact('two', '2 dimensions after UPDATE and DELETE');
SELECT t.exact('three', '3 dimensions after UPDATE and DELETE');
SELECT is((SELECT array_agg(DISTINCT level ORDER BY level) FROM kpi_data.one_rollup_day), '{0,1}'::smallint[], 'with one dimension, full and single are one level');

-- numeric
CREATE TABLE public.n (id int, at timestamptz DEFAULT '2024-05-01 10:00Z', k text, v numeric, i int8, s int2);
CREATE VIEW public.n_facts AS SELECT at, k, v AS val, i AS big, s AS small, CASE WHEN v > 0 THEN v ELSE 0 END AS plus, coalesce(v, 0) AS filled FROM public.n;
SELECT kpi.track('public.n_facts', 'at', '{k}', 'n', 'UTC', hour_retention => '100 years', build => 'now') \gset
INSERT INTO public.n (id, k, v) VALUES (1, 'a', 10), (2, 'a', 'NaN'), (3, 'b', 'Infinity'), (4, 'b', '-Infinity'), (5, 'c', 'Infinity'), (6, 'd', '-Infinity');
SELECT is((SELECT array_agg(val ORDER BY k) FROM kpi_data.n_daily), '{NaN,NaN,Infinity,-Infinity}', 'NaN and infinities are summed as sum() does');
SELECT t.exact('n', 'NaN and infinities');
DELETE FROM public.n WHERE id = 2;
SELECT is((SELECT val FROM kpi_data.n_daily WHERE k = 'a'), 10::numeric, 'a deleted NaN leaves the finite sum');
DELETE FROM public.n WHERE id = 4;
SELECT is((SELECT val FROM kpi_data.n_daily WHERE k = 'b'), 'Infinity'::numeric, 'a deleted -Infinity leaves Infinity');
UPDATE public.n SET v = CASE id WHEN 3 THEN 1.5 WHEN 5 THEN 'NaN' ELSE v END;
SELECT t.exact('n', 'NaN and infinities that come and go');
BEGIN;
INSERT INTO public.n (id, k, v) VALUES (7, 'a', 'NaN'), (8, 'a', '-Infinity');
SELECT t.same('n', 'NaN among own changes');
SAVEPOINT s;
DELETE FROM public.n WHERE id = 7;
SELECT t.same('n', 'NaN added and taken away in two levels');
ROLLBACK TO s;
COMMIT;
SELECT t.exact('n', 'NaN after ROLLBACK TO');
DELETE FROM public.n;
INSERT INTO public.n (id, k, v) VALUES (1, 'mix', 0.1), (2, 'mix', 1e-20), (3, 'mix', 123456789012345678.90), (4, 'mix', 5), (5, 'mix', 1e30),
    (6, 'mix', -0.00), (7, 'mix', 1.000000000000000001), (8, 'mix', -99999999999999999999999999999999), (9, 'mix', 1e-200), (10, 'mix', 0.00010000);
SELECT t.exact('n', 'mixed scales');
DELETE FROM public.n WHERE id IN (5, 8);
UPDATE public.n SET v = v / 3 WHERE id = 3;
SELECT t.exact('n', 'mixed scales, some taken away again');
INSERT INTO public.n (id, k, i, s) SELECT 100, 'big', 9223372036854775807, 32767 FROM generate_series(1, 5);
INSERT INTO public.n (id, k, i, s) SELECT 101, 'small', -9223372036854775808, -32768 FROM generate_series(1, 5);
SELECT is((SELECT big FROM kpi_data.n_daily WHERE k = 'big'), 5 * 9223372036854775807::numeric, 'sums beyond 2^63');
SELECT t.exact('n', 'sums beyond 2^63, both signs');
INSERT INTO public.n (id, k, v) SELECT 200, 'huge', 99999999999999999999999999999999 FROM generate_series(1, 9);
INSERT INTO public.n (id, k, v) SELECT 201, 'huge', 170141183460469231731687303715884105727 FROM generate_series(1, 3);
INSERT INTO public.n (id, k, v) SELECT 202, 'deep', 12345678901234567890123456789012.123456789012345678 FROM generate_series(1, 30);
INSERT INTO public.n (id, k, v) SELECT 203, 'deep', i::numeric * 1000000000000000000000000000 + 0.000000000000000001 FROM generate_series(1, 300) i;
SELECT t.exact('n', 'sums beyond 2^127');
DELETE FROM public.n WHERE id = 201;
UPDATE public.n SET v = -v WHERE id = 202;
SELECT t.exact('n', 'sums that come back below 2^127');
INSERT INTO public.n (id, k, v) VALUES (300, 'vast', 1e5000), (301, 'vast', 1e-5000), (302, 'vast', -1e5000);
SELECT t.exact('n', 'a number of 5000 digits');
-- every number of groups and scale around the borders of the fast decimal path, both signs, added and half taken away
INSERT INTO public.n (id, k, v) SELECT 1000 + e * 40 + s, 'grid', round((CASE s % 2 WHEN 0 THEN 1 ELSE -1 END) * (10::numeric ^ e - 0.5::numeric ^ s), s)
    FROM generate_series(-20, 36) e, generate_series(0, 24) s;
SELECT t.exact('n', '1425 magnitudes and scales');
DELETE FROM public.n WHERE k = 'grid' AND id % 3 = 0;
SELECT t.exact('n', 'a third of them taken away');
-- random decimals, one transaction each way; the seed is fixed
SELECT setseed(0.42) \gset
INSERT INTO public.n (id, k, v) SELECT 9000 + i, 'r' || i % 3, round((random() - 0.5)::numeric * 10::numeric ^ (i % 30), i % 19) FROM generate_series(1, 2000) i;
DELETE FROM public.n WHERE id > 9000 AND random() < 0.5;
UPDATE public.n SET v = v * 7.77 WHERE id > 9000 AND random() < 0.5;
SELECT t.exact('n', '2000 random decimals');
DELETE FROM public.n;
SELECT t.exact('n', 'everything deleted');
SELECT kpi.merge('n') \gset
SELECT is((SELECT count(*) FROM kpi_data.n_rollup_day), 0::bigint, 'groups without rows are gone from the rollup');

-- dimensions of other types
CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN public.code AS text CHECK (VALUE <> 'forbidden');
CREATE DOMAIN public.amount AS numeric(10, 2) CHECK (VALUE >= 0);
CREATE DOMAIN public.moment AS timestamptz;
CREATE TABLE public.d (at public.moment DEFAULT '2024-05-01 10:00Z', m public.mood, c public.code, n numeric, ch char(5), u uuid, arr int[], f float8, iv interval, v public.amount, j jsonb);
CREATE VIEW public.d_facts AS SELECT at, m, c, n, ch, u, arr, f, iv, v, j, m::text AS mood_text FROM public.d;
SELECT kpi.track('public.d_facts', 'at', '{m,c,n,ch,u,arr,f,iv,mood_text,j}', 'd', 'UTC', hour_retention => '100 years', build => 'now') \gset
INSERT INTO public.d (m, c, n, ch, u, arr, f, iv, v, j) VALUES
    ('sad', 'x', 1.0, 'ab', '00000000-0000-0000-0000-000000000001', '{1,2}', 0, '1 day', 1.25, '{"a": 1}'),
    ('sad', 'x', 1.00, 'ab ', '00000000-0000-0000-0000-000000000001', '{1,2}', '-0', '24 hours', 2, '{"a": 1.0}'),
    ('happy', NULL, NULL, NULL, NULL, NULL, 'NaN', NULL, NULL, NULL);
SELECT is((SELECT row_count FROM kpi_data.d_daily WHERE m = 'sad'), 2::bigint, '1.0 and 1.00, 0 and -0, 1 day and 24 hours are one segment');
SELECT t.exact('d', 'dimensions of ten types');
UPDATE public.d SET m = 'ok', n = 1 WHERE v = 2;
DELETE FROM public.d WHERE v = 1.25;
SELECT t.exact('d', 'dimensions of ten types, changed');
ALTER TYPE public.mood ADD VALUE 'elated';
INSERT INTO public.d (m, c, v) VALUES ('elated', 'y', 3);
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'an enum value more leaves no mark');
SELECT t.exact('d', 'an enum value added while tracked');
ALTER TYPE public.mood RENAME VALUE 'elated' TO 'overjoyed';
INSERT INTO public.d (m, c, v) VALUES ('overjoyed', 'y', 3);
SELECT isnt_empty('SELECT 1 FROM kpi.dirty', 'a renamed one leaves a mark');
SELECT t.exact('d', 'an enum value renamed while tracked');
SELECT is((SELECT a.atttypid::regtype::text FROM pg_attribute a WHERE attrelid = 'kpi_data.d_delta'::regclass AND attname = 'd2'), 'text',
    'the delta has the base type of a domain, whose CHECK never runs');

CREATE COLLATION public.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE public.c (at timestamptz DEFAULT '2024-05-01 10:00Z', name text COLLATE public.blind, long text);
CREATE VIEW public.c_facts AS SELECT at, name, long, 1 AS names FROM public.c;
SELECT kpi.track('public.c_facts', 'at', '{name,long}', 'c', 'UTC', hour_retention => '100 years', build => 'now') \gset
INSERT INTO public.c (name) VALUES ('Ana'), ('ANA'), ('ana'), ('Zoe');
SELECT is((SELECT names FROM kpi_data.c_daily WHERE name = 'ana'), 3::numeric, 'a nondeterministic collation groups');
SELECT is_empty($$SELECT * FROM kpi.verify('c')$$, 'verify groups alike');
SELECT kpi.merge('c') \gset
DELETE FROM public.c WHERE name = 'aNa' COLLATE "C" OR name = 'ANA' COLLATE "C";
SELECT is((SELECT names FROM kpi_data.c_daily WHERE name = 'ana'), 2::numeric, 'and takes away from the group');
INSERT INTO public.c (long) SELECT string_agg(md5(i::text), '') || k FROM generate_series(1, 300) i, generate_series(1, 2) k GROUP BY k;
SELECT is((SELECT max(length(long)) FROM kpi_data.c_daily), 9601, 'a value longer than an index entry');
SELECT t.same('c', 'a value longer than an index entry, two that differ in their last letter');
SELECT kpi.merge('c') \gset
SELECT t.same('c', 'and merged');
SELECT finish();
