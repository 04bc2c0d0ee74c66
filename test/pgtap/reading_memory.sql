-- as: superuser
-- What a read holds in memory is bounded by work_mem times hash_mem_multiplier or maintenance_work_mem, and says so, whatever of it is the large part.
CREATE TABLE public.beat (at timestamptz NOT NULL, device text);
CREATE INDEX ON public.beat (at);
INSERT INTO public.beat SELECT at, 'd' || i FROM generate_series(1, 1000) i, generate_series('2023-01-01 00:30Z'::timestamptz, '2023-01-31 00:30Z', '1 day') at;
CREATE VIEW public.beat_facts AS SELECT at, device, 1 AS beats FROM public.beat;
SELECT kpi.track('public.beat_facts', 'at', '{device}', 'beats', 'UTC', hour_retention => '10 years');
SELECT kpi.rebuild('beats');
SET hash_mem_multiplier = 1;
SET maintenance_work_mem = '1MB';

CREATE FUNCTION public.read(days int, arguments text) RETURNS text LANGUAGE sql AS
$$SELECT format('SELECT count(*) FROM kpi.query(''{beats}'', ''2023-01-01'', (date ''2023-01-01'' + %s)::text, max_rows => NULL%s)', days - 1, ', ' || arguments)$$;
CREATE FUNCTION public.memory_error(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
    EXECUTE statement;
    RETURN 'none';
EXCEPTION WHEN configuration_limit_exceeded THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLERRM || ' ' || hint;
END $$;
CREATE FUNCTION public.refused(arguments text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE what text := arguments; statement text := public.read(31, arguments);
BEGIN
    SET work_mem = '256kB';
    RETURN NEXT matches(public.memory_error(statement), '^the answer does not fit into the memory of a read, 1024 kB Ask for .* or raise work_mem', 'refused: ' || what);
    SET work_mem = '100MB';
    RETURN NEXT is(public.memory_error(statement), 'none', 'with more memory it answers: ' || what);
END $$;

SELECT plan(11);
-- Sums of many cells, whose answer is a few rows.
SELECT * FROM public.refused($$by => '{device}', top => 3$$);
-- Few cells, many rows of an answer.
SELECT * FROM public.refused($$by => '{device}', grain => 'hour', filters => '{"device": {"like": "d1%"}}'$$);
-- What is shown beside the values, and the rows in another order.
SELECT * FROM public.refused($$grain => 'hour', show => '{running,avg7}', by => '{device}', filters => '{"device": {"like": "d1__"}}'$$);
SELECT * FROM public.refused($$grain => 'hour', order_by => 'value desc', by => '{device}', filters => '{"device": {"like": "d1__"}}'$$);

SET work_mem = '64kB';
SELECT is(public.memory_error(public.read(31, 'grain => ''day''')), 'none', 'the smallest work_mem suffices for a month by day');
SELECT is(public.memory_error(public.read(1, 'by => ''{device}''')), 'none', 'and for 1000 segments of a day');

-- With what a server has where nobody set it, a month of hours is no question of memory.
RESET work_mem; RESET hash_mem_multiplier; RESET maintenance_work_mem;
SELECT is(public.memory_error(public.read(31, $$by => '{device}', grain => 'hour', filters => '{"device": {"like": "d1%"}}'$$)), 'none', 'the defaults suffice');
SELECT * FROM finish();
