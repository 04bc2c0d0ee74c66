-- Helpers of the capture tests: a recomputation that shares nothing with capture, merge or verify. \ir it first.
-- pg_prove wraps every statement in a savepoint; these tests count savepoints themselves.
\set ON_ERROR_ROLLBACK 0
SET client_min_messages = warning;
CREATE SCHEMA t;

-- Where the typed views of a source differ from the facts view under plain GROUP BY. `rows` replaces the facts view by
-- another query, for views that raise for some rows.
CREATE FUNCTION t.differences(source text, rows text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    s kpi.source; dims text := ''; sums text := ''; measures text := ''; clock text; wall text; instant text; expected text; actual text;
    grain text; d text; m text;
BEGIN
    SELECT * INTO STRICT s FROM kpi.source x WHERE x.name = differences.source;
    FOREACH d IN ARRAY s.dimensions LOOP dims := dims || format(', %I', d); END LOOP;
    FOR m IN SELECT x.name FROM kpi.measure x WHERE x.source = s.name ORDER BY position LOOP
        sums := sums || format(', sum(coalesce(%I, 0))::numeric', m);
        measures := measures || format(', %I::numeric', m);
    END LOOP;
    SELECT format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END, NULL) INTO clock
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = s.facts AND a.attname = s.time_column;
    instant := CASE clock WHEN 'timestamp with time zone' THEN format('%I', s.time_column)
                          ELSE format('(%I::timestamp AT TIME ZONE %L)', s.time_column, s.timezone) END;
    wall := format('(%s AT TIME ZONE %L)', instant, s.timezone);
    FOREACH grain IN ARRAY '{daily,hourly}'::text[] LOOP
        d := CASE grain WHEN 'hourly' THEN format(', %s - (%s - date_trunc(''hour'', %s)) AS hour', instant, wall, wall) ELSE '' END;
        expected := format('SELECT %s::date AS day%s%s, count(*)%s FROM (%s) f WHERE isfinite(%I) %s GROUP BY 1%s%s', wall, d, dims, sums,
            coalesce(rows, 'SELECT * FROM ' || s.facts), s.time_column,
            CASE grain WHEN 'hourly' THEN format('AND %s::date >= %L', wall, s.hours_from) ELSE '' END,
            CASE grain WHEN 'hourly' THEN ', 2' ELSE '' END, dims);
        actual := format('SELECT day%s%s, row_count%s FROM kpi_data.%I', CASE grain WHEN 'hourly' THEN ', hour' ELSE '' END, dims, measures,
            s.name || '_' || grain);
        RETURN QUERY EXECUTE format(
            'SELECT %1$L || '' is missing '' || x::text FROM (%2$s EXCEPT ALL %3$s) x UNION ALL '
            'SELECT %1$L || '' has wrongly '' || x::text FROM (%3$s EXCEPT ALL %2$s) x', grain, expected, actual);
    END LOOP;
END $$;

-- Where counted measures by day, and by day and segment, differ from count(DISTINCT ..), min(..), max(..), and the sum over full segments of what
-- DISTINCT ON finds first or last by time, of equals the least or the greatest.
CREATE FUNCTION t.counted_differences(source text, rows text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    s kpi.source; c kpi.counted; wall text; backwards text; facts text; aggregate text; absent text; parts name[]; pairs text; expected text; actual text; since date; until date;
BEGIN
    SELECT * INTO STRICT s FROM kpi.source x WHERE x.name = counted_differences.source;
    facts := format('(SELECT * FROM (%s) f WHERE isfinite(%I))', coalesce(rows, 'SELECT * FROM ' || s.facts), s.time_column);
    wall := format('(%I::%s AT TIME ZONE %L)', s.time_column, 'timestamptz', s.timezone);
    IF (SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = s.facts AND attname = s.time_column) <> 'timestamp with time zone' THEN
        wall := format('((%I::timestamp AT TIME ZONE %L) AT TIME ZONE %2$L)', s.time_column, s.timezone);
    END IF;
    FOR c IN SELECT * FROM kpi.counted x WHERE x.source = s.name AND x.kind <> 'percentiles' LOOP
        EXECUTE format('SELECT min(%1$s)::date, max(%1$s)::date FROM %2$s f', wall, facts) INTO since, until;
        CONTINUE WHEN since IS NULL;
        aggregate := format(CASE c.kind WHEN 'distinct' THEN 'count(DISTINCT %I)' ELSE c.kind || '(%I)' END, c."column");
        absent := CASE c.kind WHEN 'distinct' THEN '0' ELSE 'NULL' END;
        FOREACH pairs IN ARRAY ARRAY['', (SELECT string_agg(format('%L, %I', d, d), ', ') FROM unnest(s.dimensions) d)] LOOP
            parts := CASE pairs WHEN '' THEN '{}' ELSE s.dimensions END;
            expected := format('SELECT %s::date AS day, jsonb_build_object(%s) AS segment, %s::numeric AS value FROM %s f WHERE %1$s::date BETWEEN %6$L AND %7$L GROUP BY 1, 2 HAVING %3$s IS DISTINCT FROM %5$s',
                wall, pairs, aggregate, facts, absent, since, until);  -- rows of other days may have come since
            IF c.kind IN ('first', 'last') THEN
                backwards := CASE c.kind WHEN 'last' THEN 'DESC' ELSE '' END;
                expected := format('SELECT day, segment, sum(value) AS value FROM (SELECT DISTINCT ON (%1$s::date%8$s) %1$s::date AS day, jsonb_build_object(%2$s) AS segment, %3$I::numeric AS value
                    FROM %4$s f WHERE %1$s::date BETWEEN %5$L AND %6$L AND %3$I IS NOT NULL ORDER BY %1$s::date%8$s, %9$I %7$s, %3$I %7$s) s GROUP BY 1, 2',
                    wall, pairs, c."column", facts, since, until, backwards, (SELECT string_agg(format(', %I', d), '') FROM unnest(s.dimensions) d), s.time_column);
            END IF;
            actual := format('SELECT day, segment, value FROM kpi.query(ARRAY[%L], %L, %L, by => %L, max_rows => NULL, expected => false) WHERE value IS DISTINCT FROM %s',
                c.name, since, until, parts, absent);
            RETURN QUERY EXECUTE format(
                'SELECT %1$L || '' misses '' || x::text FROM (%2$s EXCEPT ALL %3$s) x UNION ALL '
                'SELECT %1$L || '' has wrongly '' || x::text FROM (%3$s EXCEPT ALL %2$s) x', c.name, expected, actual);
        END LOOP;
    END LOOP;
END $$;

CREATE FUNCTION t.problems(source text, rows text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT * FROM t.differences(source, rows)
    UNION ALL SELECT * FROM t.counted_differences(source, rows)
    UNION ALL SELECT 'verify: ' || v::text FROM kpi.verify(source) v
    -- Reads stay exact when capture gives up and marks the source: that must not hide that it did.
    UNION ALL SELECT 'gave up: ' || d.why FROM kpi.dirty d WHERE d.source = problems.source AND d.why LIKE 'capture%'
$$;

CREATE FUNCTION t.report(problems text[], what text) RETURNS text LANGUAGE sql AS $$
    SELECT ok(problems = '{}', what) || CASE WHEN problems = '{}' THEN '' ELSE E'\n' || diag(array_to_string(problems[1:8], E'\n')) END
$$;

-- One assertion: typed views and verify agree with recomputation as things stand; also inside a transaction.
CREATE FUNCTION t.same(source text, what text, rows text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT t.report(ARRAY(SELECT t.problems(source, rows)), what)
$$;

-- One assertion: they agree as things stand, after a merge and after a rebuild, and nothing is left over then.
CREATE FUNCTION t.exact(source text, what text, rows text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text[]; left_over bigint;
BEGIN
    found := ARRAY(SELECT t.problems(source, rows));
    PERFORM kpi.merge(source);
    found := found || ARRAY(SELECT 'merged: ' || p FROM t.problems(source, rows) p);
    EXECUTE format('SELECT count(*) FROM kpi_data.%I', source || '_delta') INTO left_over;
    IF left_over > 0 THEN found := found || format('merged: %s deltas are left', left_over); END IF;
    PERFORM kpi.rebuild(source);
    found := found || ARRAY(SELECT 'rebuilt: ' || p FROM t.problems(source, rows) p);
    found := found || ARRAY(SELECT 'rebuilt: still dirty: ' || d::text FROM kpi.dirty d WHERE d.source = exact.source);
    RETURN t.report(found, what);
END $$;
