-- as: superuser
-- Errors cross the C++/PostgreSQL boundary whole, both ways and nested, and leave nothing behind.
CREATE EXTENSION kpi_test;
CREATE TABLE public.target (a int CONSTRAINT positive CHECK (a > 0), b int NOT NULL DEFAULT 1);
CREATE DOMAIN public.small AS int CONSTRAINT below_ten CHECK (VALUE < 10);

-- What SQL sees of the error that a statement raises, one line a field.
CREATE FUNCTION public.seen(statement text) RETURNS TABLE (field text, value text) LANGUAGE plpgsql AS $$
DECLARE s text; m text; d text; h text; c text; ns text; t text; col text; con text; ty text;
BEGIN
    EXECUTE statement;
    RAISE 'no error was raised';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS s = RETURNED_SQLSTATE, m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT,
        c = PG_EXCEPTION_CONTEXT, ns = SCHEMA_NAME, t = TABLE_NAME, col = COLUMN_NAME, con = CONSTRAINT_NAME,
        ty = PG_DATATYPE_NAME;
    RETURN QUERY SELECT * FROM (VALUES ('sqlstate', s), ('message', m), ('detail', d), ('hint', h), ('schema', ns),
        ('table', t), ('column', col), ('constraint', con), ('datatype', ty), ('context', c)) v WHERE v.column2 <> '';
END $$;
CREATE FUNCTION public.raiser() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'too much' USING ERRCODE = '22P99', DETAIL = 'It was 3.', HINT = 'Take 2.', SCHEMA = 's', TABLE = 't',
        COLUMN = 'c', CONSTRAINT = 'k', DATATYPE = 'd';
END $$;
-- OTHERS does not catch a cancel.
CREATE FUNCTION public.cancelled(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'it ended';
EXCEPTION WHEN query_canceled THEN RETURN SQLSTATE;
END $$;
-- Many errors in one session: memory before and after, once warm. Bytes it grew by.
CREATE FUNCTION public.growth(statement text, errors int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint;
BEGIN
    FOR i IN 1 .. errors + 5000 LOOP
        IF i = 5000 THEN before := kpi_test.rss(); END IF;
        BEGIN
            EXECUTE statement;
            RAISE 'no error was raised' USING ERRCODE = 'KT999';
        EXCEPTION WHEN division_by_zero OR out_of_memory OR internal_error OR data_exception THEN NULL;
        END;
    END LOOP;
    RETURN kpi_test.rss() - before;
END $$;

SELECT plan(30);

-- PostgreSQL -> C++: what C++ catches
SELECT results_eq(
    $$SELECT field, value FROM kpi_test.catch('SELECT public.raiser()')
       WHERE value IS NOT NULL AND field NOT IN ('context', 'file', 'line')$$,
    $$VALUES ('sqlstate', '22P99'), ('message', 'too much'), ('detail', 'It was 3.'), ('hint', 'Take 2.'), ('schema', 's'),
             ('table', 't'), ('column', 'c'), ('datatype', 'd'), ('constraint', 'k'), ('position', '0'), ('from_postgres', 'yes')$$,
    'C++ sees every field of an error raised in PL/pgSQL');
SELECT matches((SELECT value FROM kpi_test.catch('SELECT public.raiser()') WHERE field = 'context'),
    '^PL/pgSQL function .*raiser\(\) line 3 at RAISE$', 'C++ sees the context, without its own statement');
CREATE FUNCTION public.longer2() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'SELECT public.raiser() WHERE 0 < (SELECT count(*) FROM pg_class)'; END$$;
SELECT matches((SELECT value FROM kpi_test.catch('SELECT public.longer2()') WHERE field = 'context'),
    'raiser\(\) line 3 at RAISE.SQL statement "SELECT public.raiser\(\) WHERE .*longer2\(\) line 1 at EXECUTE$', 'statements of the user''s functions stay');
SELECT results_eq(
    $$SELECT field, value FROM kpi_test.catch('INSERT INTO public.target VALUES (-1)') WHERE field IN ('sqlstate', 'table', 'constraint', 'file', 'line')$$,
    $$VALUES ('sqlstate', '23514'), ('table', 'target'), ('constraint', 'positive'), ('file', 'execMain.c'), ('line', 'set')$$,
    'C++ sees the constraint, its table, and where PostgreSQL raised it');
SELECT is((SELECT string_agg(field || ' ' || value, ', ' ORDER BY field) FROM kpi_test.catch('SELECT 1, nothing') WHERE value LIKE '%nothing%'),
    'message column "nothing" does not exist', 'a syntax error does not show our own statement');
SELECT is(count(*), 0::bigint, 'the caught statement is rolled back') FROM public.target;
SELECT throws_ok($$SELECT * FROM kpi_test.catch('SELECT 1')$$, 'P0001', 'the statement raised no error',
    'no error is not taken for one');

-- C++ -> PostgreSQL: what SQL sees
SELECT results_eq(
    $$SELECT field, value FROM public.seen($q$SELECT kpi_test.throw_error('22023', 'no such grain', 'It is "hours".', 'Use hour.')$q$) WHERE field <> 'context'$$,
    $$VALUES ('sqlstate', '22023'), ('message', 'no such grain'), ('detail', 'It is "hours".'), ('hint', 'Use hour.')$$,
    'a kpi::Error arrives with SQLSTATE, message, detail and hint');
SELECT matches((SELECT value FROM public.seen($q$SELECT kpi_test.throw_error('22023', 'x')$q$) WHERE field = 'context'),
    'seen\(text\) line 4 at EXECUTE', 'and with the context of the place that called it');
SELECT throws_ok($$SELECT kpi_test.throw_error('bad', 'a SQLSTATE that is none')$$, 'XX000', NULL, 'a broken SQLSTATE becomes XX000');
SELECT throws_ok($$SELECT kpi_test.throw_other('standard')$$, 'XX000', 'a standard exception', 'std::exception becomes XX000');
SELECT throws_ok($$SELECT kpi_test.throw_other('memory')$$, '53200', 'out of memory', 'std::bad_alloc becomes 53200');
SELECT throws_ok($$SELECT kpi_test.throw_other('number')$$, 'XX000', 'unknown C++ exception', 'anything else is contained too');

-- PostgreSQL -> C++ -> PostgreSQL, and four floors of it: the same error arrives
SELECT results_eq(
    $$SELECT field, value FROM public.seen($q$SELECT kpi_test.nest(0, 'SELECT public.raiser()')$q$) WHERE field <> 'context'$$,
    $$SELECT field, value FROM public.seen('SELECT public.raiser()') WHERE field <> 'context'$$,
    'an error crosses C++ with every field');
SELECT results_eq(
    $$SELECT field, value FROM public.seen($q$SELECT kpi_test.nest(4, 'SELECT public.raiser()')$q$) WHERE field <> 'context'$$,
    $$SELECT field, value FROM public.seen('SELECT public.raiser()') WHERE field <> 'context'$$,
    'an error crosses five floors with every field');
SELECT is(regexp_count(value, 'SQL statement "SELECT kpi_test.nest'), 1, 'of the statements only the user''s own stays in the context')
  FROM public.seen($q$SELECT kpi_test.nest(4, 'SELECT public.raiser()')$q$) WHERE field = 'context';
SELECT is(regexp_count(value, 'raiser\(\) line 3 at RAISE'), 1, 'the deepest context is kept, once')
  FROM public.seen($q$SELECT kpi_test.nest(4, 'SELECT public.raiser()')$q$) WHERE field = 'context';
SELECT results_eq(
    $$SELECT field, value FROM public.seen($q$SELECT kpi_test.nest(2, 'SELECT 11::public.small')$q$) WHERE field IN ('sqlstate', 'schema', 'datatype', 'constraint')$$,
    $$VALUES ('sqlstate', '23514'), ('schema', 'public'), ('constraint', 'below_ten'), ('datatype', 'small')$$,
    'the constraint of a domain survives');
SELECT results_eq(
    $$SELECT field, value FROM public.seen($q$SELECT kpi_test.nest(2, 'INSERT INTO public.target VALUES (1, NULL)')$q$) WHERE field IN ('sqlstate', 'table', 'column')$$,
    $$VALUES ('sqlstate', '23502'), ('table', 'target'), ('column', 'b')$$,
    'the column of a NOT NULL violation survives');
-- C++ -> PostgreSQL -> C++
SELECT results_eq(
    $$SELECT field, value FROM kpi_test.catch($q$SELECT kpi_test.nest(3, $e$SELECT kpi_test.throw_error('22023', 'm', 'd', 'h')$e$)$q$) WHERE field IN ('sqlstate', 'message', 'detail', 'hint')$$,
    $$VALUES ('sqlstate', '22023'), ('message', 'm'), ('detail', 'd'), ('hint', 'h')$$,
    'an error of C++ comes back to C++ through four floors of PostgreSQL');
SELECT throws_ok($$SELECT kpi_test.nest(3, $q$SELECT kpi_test.throw_other('memory')$q$)$$, '53200', NULL, 'out of memory stays out of memory');
SELECT lives_ok($$SELECT kpi_test.nest(4, 'INSERT INTO public.target VALUES (5)')$$, 'without an error nothing is in the way');
SELECT is(count(*), 1::bigint, 'and the statement has run') FROM public.target;

-- A cancel is an error like any other and must not be lost in C++.
SET statement_timeout = '200ms';
SELECT is(public.cancelled($$SELECT kpi_test.nest(3, 'SELECT pg_sleep(60)')$$), '57014', 'statement_timeout crosses C++');
RESET statement_timeout;

SELECT is(kpi_test.live(), 0::bigint, 'no C++ object outlives its error');

-- 100,000 errors each way. Raising inside a catch would cost about 300 bytes each (30 MB), a skipped destructor 1,000.
SELECT cmp_ok(public.growth($$SELECT kpi_test.throw_error('22023', 'm', 'd', 'h')$$, 100000), '<', 3000000::bigint,
    'memory does not grow: C++ to PostgreSQL');
SELECT cmp_ok(public.growth($$SELECT kpi_test.nest(0, 'SELECT 1/0')$$, 100000), '<', 3000000::bigint,
    'memory does not grow: PostgreSQL through C++');
SELECT cmp_ok(public.growth($$SELECT kpi_test.throw_other('standard')$$, 20000), '<', 3000000::bigint,
    'memory does not grow: standard exceptions');
SELECT cmp_ok(public.growth($$SELECT CASE WHEN count(*) > 0 THEN 1 / 0 END FROM kpi_test.catch('SELECT 1/0')$$, 30000), '<', 3000000::bigint,
    'memory does not grow: PostgreSQL to C++, swallowed after a savepoint');
SELECT is(kpi_test.live(), 0::bigint, 'no C++ object outlives 250,000 errors');

SELECT finish();
