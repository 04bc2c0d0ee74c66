-- as: superuser
-- A row for which an expression of the facts view raises contributes nothing, everywhere alike, and never fails the writer.
\ir ../tools/exact.sql
SELECT plan(37);
CREATE TABLE public.ratio (id int PRIMARY KEY, at timestamptz DEFAULT '2024-05-01 10:00Z', a int, b int, raw text, k text);
CREATE VIEW public.ratio_facts AS SELECT at, k, 1 AS ratios, a / b AS quotient, raw::int AS parsed FROM public.ratio WHERE 100 / a < 1000;
\set good '''SELECT at, k, 1 AS ratios, a / b AS quotient, raw::int AS parsed FROM (SELECT * FROM public.ratio WHERE a <> 0 AND b <> 0 AND b <> -1 AND raw ~ $r$^-?[0-9]{1,9}$$r$ OFFSET 0) g WHERE 100 / a < 1000'''
INSERT INTO public.ratio (id, a, b, raw, k) VALUES (1, 10, 2, '1', 'good'), (2, 10, 0, '1', 'bad'), (3, 10, 5, 'x', 'bad'), (4, 0, 5, '1', 'bad');
SELECT lives_ok($$SELECT kpi.track('public.ratio_facts', 'at', '{k}', 'ratio', 'UTC', hour_retention => '100 years', build => 'now')$$,
    'a table with bad rows is tracked and built');
SELECT t.exact('ratio', 'bad rows present at the build', :good);
SELECT is((SELECT array_agg(k) FROM kpi_data.ratio_daily), '{good}', 'a bad row makes no segment');

SELECT lives_ok($$INSERT INTO public.ratio (id, a, b, raw, k) VALUES (11, 1, 0, '1', 'div')$$, 'division by zero');
SELECT lives_ok($$INSERT INTO public.ratio (id, a, b, raw, k) VALUES (12, 1, 1, 'twelve', 'cast')$$, 'a bad cast');
SELECT lives_ok($$INSERT INTO public.ratio (id, a, b, raw, k) VALUES (13, 1, 1, '99999999999', 'range')$$, 'out of range');
SELECT lives_ok($$INSERT INTO public.ratio (id, a, b, raw, k) VALUES (14, 0, 1, '1', 'filter')$$, 'an error in the filter');
SELECT lives_ok($$INSERT INTO public.ratio (id, a, b, raw, k) VALUES (15, -2147483648, -1, '1', 'range')$$, 'an integer overflow');
SELECT lives_ok($$INSERT INTO public.ratio (id, at, a, b, raw, k) VALUES (16, NULL, 1, 0, '1', 'no time')$$, 'an error in a row without time');
SELECT is((SELECT count(*) FROM public.ratio WHERE id BETWEEN 11 AND 16), 6::bigint, 'the rows are in the table');
SELECT t.exact('ratio', 'bad rows inserted', :good);
SELECT results_eq($$SELECT sqlstate, message, sum(rows) FROM kpi.capture_error WHERE source = 'ratio' GROUP BY 1, 2 ORDER BY 1, 2$$,
    $$VALUES ('22003', 'integer out of range', 1::numeric), ('22003', 'value "99999999999" is out of range for type integer', 1),
             ('22012', 'division by zero', 3), ('22P02', 'invalid input syntax for type integer: "twelve"', 1)$$,
    'kpi.capture_error counts them by SQLSTATE and message');

-- bad, good, bad, deleted
UPDATE public.ratio SET b = 4, k = 'one' WHERE id = 2;
SELECT is((SELECT quotient FROM kpi_data.ratio_daily WHERE k = 'one'), 2::numeric, 'a bad row becomes good');
SELECT t.exact('ratio', 'bad to good', :good);
UPDATE public.ratio SET b = 0 WHERE id = 2;
SELECT is_empty($$SELECT 1 FROM kpi_data.ratio_daily WHERE k = 'one'$$, 'a good row becomes bad');
SELECT t.exact('ratio', 'good to bad', :good);
UPDATE public.ratio SET a = 20 WHERE id = 2;
SELECT t.exact('ratio', 'bad to bad', :good);
DELETE FROM public.ratio WHERE id = 2;
SELECT t.exact('ratio', 'bad and deleted', :good);
BEGIN;
UPDATE public.ratio SET b = 1, raw = '7', a = 3 WHERE id > 10;
SAVEPOINT s;
UPDATE public.ratio SET b = 0;
SELECT t.same('ratio', 'all bad, inside the transaction', :good);
ROLLBACK TO s;
UPDATE public.ratio SET raw = 'bad' WHERE id % 2 = 0;
COMMIT;
SELECT t.exact('ratio', 'bad and good in savepoints', :good);

CREATE TABLE t.before AS SELECT coalesce(sum(rows), 0) AS rows FROM kpi.capture_error;
BEGIN;
INSERT INTO public.ratio (id, a, b, raw) SELECT 1000 + i, 1, i % 2, '1' FROM generate_series(1, 1000) i;
ROLLBACK;
SELECT is((SELECT sum(rows) FROM kpi.capture_error), (SELECT rows FROM t.before), 'errors of a transaction that rolls back are not kept');
INSERT INTO public.ratio (id, a, b, raw, k) SELECT 1000 + i, 1, i % 2, '1', 'many' FROM generate_series(1, 1000) i;
SELECT is((SELECT sum(rows) FROM kpi.capture_error) - (SELECT rows FROM t.before), 500::numeric, '500 bad rows among 1000 are counted');
SELECT is((SELECT row_count FROM kpi_data.ratio_daily WHERE k = 'many'), 500::bigint, 'and the 500 good ones');
INSERT INTO public.ratio (id, a, b, raw) SELECT 3000 + i, 1, 1, 'no ' || i FROM generate_series(1, 500) i;
SELECT cmp_ok((SELECT count(*) FROM kpi.capture_error), '<', 100::bigint, '500 different messages do not fill the table');
SELECT is((SELECT sum(rows) FROM kpi.capture_error) - (SELECT rows FROM t.before), 1000::numeric, 'but all are counted');
SELECT t.exact('ratio', 'hundreds of bad rows', :good);

-- functions of the view that raise what they like
CREATE FUNCTION public.checked(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
    IF x = 1 THEN RAISE 'no ones'; ELSIF x = 2 THEN RAISE USING ERRCODE = 'check_violation'; ELSIF x = 3 THEN PERFORM public.gone();
    ELSIF x = 4 THEN RAISE USING ERRCODE = '57014', MESSAGE = 'cancelled'; ELSIF x = 5 THEN RAISE USING ERRCODE = '40001', MESSAGE = 'again'; END IF;
    RETURN x;
END $$;
CREATE TABLE public.picky (at timestamptz DEFAULT '2024-05-01 10:00Z', x int);
CREATE VIEW public.picky_facts AS SELECT at, public.checked(x) AS picked FROM public.picky;
SELECT kpi.track('public.picky_facts', 'at', '{}', 'picky', 'UTC', hour_retention => '100 years', build => 'now') \gset
INSERT INTO public.picky (x) VALUES (0), (1), (2), (10);
SELECT t.exact('picky', 'RAISE and a constraint violation are data errors', 'SELECT at, x AS picked FROM public.picky WHERE x NOT IN (1, 2)');
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'a data error marks nothing dirty');
SELECT lives_ok('INSERT INTO public.picky (x) VALUES (3)', 'an error that is not about the data does not fail the writer');
SELECT isnt_empty('SELECT 1 FROM kpi.dirty', 'but marks the source dirty');
DELETE FROM public.picky WHERE x = 3;
SELECT kpi.rebuild('picky') \gset
SELECT t.exact('picky', 'and the source heals once the row is gone', 'SELECT at, x AS picked FROM public.picky WHERE x NOT IN (1, 2)');
-- OTHERS, and so throws_ok, does not catch a cancel
CREATE FUNCTION t.cancelled(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN EXECUTE statement; RETURN 'it ended'; EXCEPTION WHEN query_canceled THEN RETURN SQLERRM; END $$;
SELECT is(t.cancelled('INSERT INTO public.picky (x) VALUES (4)'), 'cancelled', 'a cancel is not swallowed');
SELECT throws_ok('INSERT INTO public.picky (x) VALUES (5)', '40001', 'again', 'a serialization failure is not swallowed');
-- An SQLSTATE of its own, one of PostgreSQL's, no_data_found, ASSERT: a function judged the row.
CREATE FUNCTION public.judge(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
    IF x = 1 THEN RAISE 'negative' USING ERRCODE = 'KP001'; ELSIF x = 2 THEN RAISE no_data_found; ELSIF x = 3 THEN RAISE too_many_rows;
    ELSIF x = 4 THEN ASSERT false, 'never'; ELSIF x = 5 THEN RAISE insufficient_privilege; ELSIF x = 6 THEN RAISE internal_error; END IF;
    RETURN x;
END $$;
CREATE TABLE public.judged (at timestamptz DEFAULT '2024-05-01 10:00Z', x int);
CREATE VIEW public.judged_facts AS SELECT at, 1 AS n_judged, public.judge(x) AS x_judged FROM public.judged;
SELECT kpi.track('public.judged_facts', 'at', '{}', 'judged', 'UTC', hour_retention => '100 years', build => 'now') \gset
INSERT INTO public.judged (x) SELECT generate_series(1, 8);
SELECT t.exact('judged', 'whatever a function raises is about the row', 'SELECT at, 1 AS n_judged, x AS x_judged FROM public.judged WHERE x > 6');
SELECT is_empty($$SELECT 1 FROM kpi.dirty WHERE source = 'judged'$$, 'and marks nothing dirty');
SELECT lives_ok($$SELECT kpi.rebuild('judged')$$, 'a build leaves these rows out too');
SELECT t.exact('judged', 'alike', 'SELECT at, 1 AS n_judged, x AS x_judged FROM public.judged WHERE x > 6');
SELECT finish();
