-- as: superuser
-- Everything kpi.track refuses: its SQLSTATE, a message that names the thing, and a hint that mends it.
SET client_min_messages = warning;
\ir ../tools/raised.sql
-- One assertion: tracking this view is refused like that, and the hint when followed is not empty.
CREATE FUNCTION t.refuses(what text, body text, expected text, more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text; answer text;
BEGIN
    EXECUTE 'CREATE VIEW public.v AS ' || body;
    found := t.raised(format('SELECT kpi.track(''public.v'', ''at''%s)', more));
    answer := matches(found, expected, what) || CASE WHEN found ~ ' \| [A-Za-z][^|]*\.?$' THEN '' ELSE E'\n' || diag('no hint: ' || found) END;
    DROP VIEW public.v CASCADE;
    IF found !~ ' \| [^|]{8,}$' THEN RAISE 'no hint in: %', found; END IF;
    RETURN answer;
END $$;

CREATE TABLE public.pay (id int, at timestamptz, country text, amount numeric, ratio float8, r4 real, price money, name text, tags text[], j json, d date);
CREATE TABLE public.other (id int, label text);
CREATE VIEW public.good AS SELECT at, country, amount AS good_amount FROM public.pay;
CREATE MATERIALIZED VIEW public.mv AS SELECT at, amount AS mv_amount FROM public.pay;
CREATE FUNCTION public.f_volatile(numeric) RETURNS numeric LANGUAGE sql VOLATILE AS 'SELECT $1';
CREATE FUNCTION public.f_stable(x numeric) RETURNS numeric LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS 'BEGIN RETURN x; END';
CREATE FUNCTION public.f_loose(x numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN x; END';
SELECT plan(71);

-- arguments
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'att')$$), '^42703 time column "att" is not a column of the facts view .*at, country, good_amount', 'no such time column');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'country')$$), '^42804 time column "country" is of type text .*timestamptz', 'a time column that is no time');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', '{land}')$$), '^42703 dimension "land" is not a column of the facts view .*country', 'no such dimension');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', '{country,country}')$$), '^42701 column "country" is named twice', 'a dimension twice');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', '{at}')$$), '^42701 column "at" is named twice .*either', 'the time column as a dimension');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', '{country,good_amount}')$$), '^42P17 facts view has no measure .*numeric.*1 AS events', 'no measure left');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', timezone => 'Mars/Olympus')$$), '^22023 "Mars/Olympus" is not the name of a time zone .*Europe/Madrid', 'no such zone');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', timezone => 'CEST')$$), '^22023 "CEST" is not the name of a time zone .*full name', 'an abbreviation, which has no daylight saving');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', capture => 'log')$$), '^22023 "log" is not a capture mode .*trigger or window', 'no such capture mode');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', build => 'soon')$$), '^22023 "soon" is not a way to build .*auto', 'no such build');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', name => 'Bad Name')$$), '^42602 "Bad Name" is not a name for a source .*lower-case', 'a bad name');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', name => repeat('x', 41))$$), '^42602 .*is not a name for a source .*40', 'a name too long for its tables');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', lookback => '-1 day')$$), '^2[23]...', 'a negative lookback');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at', hour_retention => '0 days')$$), '^2[23]...', 'no hour retention');
SELECT matches(t.raised($$SELECT kpi.track(NULL, 'at')$$), '^(22004|22023) .*facts', 'no view at all');
SELECT matches(t.raised($$SELECT kpi.track('public.good', NULL)$$), '^(22004|22023) .*time_column', 'no time column');
SELECT matches(t.raised($$SELECT kpi.track(99999::oid::regclass, 'at')$$), '^42P01 .*99999', 'a relation that does not exist');
SELECT matches(t.raised($$SELECT kpi.track('public.pay', 'at')$$), '^42809 public.pay is not a view .*CREATE VIEW pay_facts', 'a table instead of a view');
SELECT matches(t.raised($$SELECT kpi.track('public.mv', 'at')$$), '^42809 public.mv is a materialized view .*ordinary view', 'a materialized view');

-- columns
SELECT t.refuses('a float8 measure', 'SELECT at, ratio FROM public.pay', '^42804 measure "ratio" is of type double precision .*ratio::numeric AS ratio');
SELECT t.refuses('a real measure', 'SELECT at, r4 FROM public.pay', '^42804 measure "r4" is of type real .*r4::numeric');
SELECT t.refuses('a money measure', 'SELECT at, price FROM public.pay', '^42804 measure "price" is of type money .*lc_monetary.*TYPE numeric');
SELECT t.refuses('a dimension that cannot be hashed', 'SELECT at, j, amount FROM public.pay', '^42804 dimension "j" is of type json, .*j::text AS j', $$, '{j}'$$);
SELECT t.refuses('more than 12 dimensions', 'SELECT at, 1 AS n, ' || (SELECT string_agg('name AS d' || i, ', ') FROM generate_series(1, 13) i) || ' FROM public.pay',
    '^54011 .*at most 12 dimensions', ', ARRAY(SELECT (''d'' || i)::name FROM generate_series(1, 13) i)');
SELECT t.refuses('a measure called row_count', 'SELECT at, 1 AS row_count FROM public.pay', '^42P17 column "row_count" .*reserved.*row_count AS row_count_value');
SELECT t.refuses('a dimension called day', 'SELECT at, d AS day, amount FROM public.pay', '^42P17 column "day" .*reserved', $$, '{day}'$$);

-- capture by trigger: the shape of the view
SELECT t.refuses('LIMIT', 'SELECT at, amount FROM public.pay LIMIT 5', '^0A000 cannot capture by trigger: facts view uses LIMIT .*Window capture recomputes .*costs [0-9.]+ .*capture => ');
SELECT t.refuses('OFFSET', 'SELECT at, amount FROM public.pay OFFSET 5', '^0A000 .*OFFSET');
SELECT t.refuses('DISTINCT', 'SELECT DISTINCT at, amount FROM public.pay', '^0A000 .*DISTINCT .*one row per event');
SELECT t.refuses('DISTINCT ON', 'SELECT DISTINCT ON (at) at, amount FROM public.pay', '^0A000 .*DISTINCT');
SELECT t.refuses('window functions', 'SELECT at, sum(amount) OVER () AS amount FROM public.pay', '^0A000 .*window functions');
SELECT t.refuses('set-returning functions', 'SELECT at, generate_series(1, 2) AS n FROM public.pay', '^0A000 .*set-returning functions');
SELECT t.refuses('sub-selects', 'SELECT at, (SELECT count(*) FROM public.other) AS n FROM public.pay', '^0A000 .*sub-selects');
SELECT t.refuses('a sub-select in the filter', 'SELECT at, amount FROM public.pay WHERE id IN (SELECT id FROM public.other)', '^0A000 .*sub-selects');
SELECT t.refuses('aggregates', 'SELECT max(at) AS at, count(*) AS n FROM public.pay', '^0A000 .*aggregates');
SELECT t.refuses('GROUP BY', 'SELECT at, sum(amount) AS amount FROM public.pay GROUP BY at', '^0A000 .*GROUP BY');
SELECT t.refuses('HAVING', 'SELECT now() AS at, 1 AS n FROM public.pay HAVING true', '^0A000 .*GROUP BY');
SELECT t.refuses('a join, when triggers are asked for', 'SELECT at, amount FROM public.pay JOIN public.other USING (id)', '^0A000 .*more than one table .*window', $$, capture => 'trigger'$$);
SELECT t.refuses('a UNION, when triggers are asked for', 'SELECT at, amount FROM public.pay UNION ALL SELECT at, amount FROM public.pay', '^0A000 .*more than one table .*window', $$, capture => 'trigger'$$);
SELECT t.refuses('a CTE, when triggers are asked for', 'WITH p AS (SELECT * FROM public.pay) SELECT at, amount FROM p', '^0A000 .*window', $$, capture => 'trigger'$$);
SELECT t.refuses('a view of a view, when triggers are asked for', 'SELECT at, good_amount AS amount FROM public.good', '^0A000 .*another view, public.good .*window', $$, capture => 'trigger'$$);
SELECT t.refuses('a view of a materialized view', 'SELECT at, mv_amount AS amount FROM public.mv', '^0A000 .*materialized view, public.mv .*window', $$, capture => 'trigger'$$);
SELECT t.refuses('VALUES', $$VALUES (now(), 1)$$, '^42703 time column');
SELECT t.refuses('a volatile function', 'SELECT at, random()::numeric AS r FROM public.pay', '^42P17 .*volatile .*[Ii]mmutable');
SELECT t.refuses('a volatile function in the filter', 'SELECT at, amount FROM public.pay WHERE random() < 0.5', '^42P17 .*volatile');
SELECT t.refuses('a volatile user function', 'SELECT at, public.f_volatile(amount) AS a FROM public.pay', '^42P17 .*volatile');
SELECT t.refuses('a volatile function with window capture', 'SELECT at, random()::numeric AS r FROM public.pay', '^42P17 .*volatile', $$, capture => 'window'$$);
SELECT t.refuses('TABLESAMPLE', 'SELECT at, amount FROM public.pay TABLESAMPLE BERNOULLI (10)', '^42P17 .*TABLESAMPLE .*whole table');
SELECT t.refuses('a system column', 'SELECT at, ctid::text AS c, amount FROM public.pay', '^0A000 .*system column');
SELECT t.refuses('a system column in the filter', 'SELECT at, amount FROM public.pay WHERE xmin::text <> ''1''', '^0A000 .*system column');
SELECT t.refuses('tableoid', 'SELECT at, tableoid AS t, amount FROM public.pay', '^0A000 .*system column', $$, '{t}'$$);
SELECT t.refuses('a whole row', 'SELECT at, pay::text AS c, amount FROM public.pay', '^0A000 .*whole row');
SELECT t.refuses('ONLY', 'SELECT at, amount FROM ONLY public.pay', '^0A000 .*ONLY public.pay .*Leave ONLY out');
SELECT t.refuses('a STABLE user function', 'SELECT at, public.f_stable(amount) AS a FROM public.pay', '^0A000 .*column a is not immutable: .*f_stable.* IMMUTABLE');
SELECT t.refuses('a function without a fixed search_path', 'SELECT at, public.f_loose(amount) AS a FROM public.pay', '^0A000 .*f_loose\(.*search_path is not fixed .*ALTER FUNCTION .*SET search_path');

-- capture by trigger: the table
CREATE UNLOGGED TABLE public.fleeting (at timestamptz, v int);
CREATE TABLE public.parent (at timestamptz, v int);
CREATE TABLE public.child () INHERITS (public.parent);
CREATE TABLE public.tree (at timestamptz, v int) PARTITION BY RANGE (at);
CREATE UNLOGGED TABLE public.tree_unlogged PARTITION OF public.tree DEFAULT;
CREATE EXTENSION postgres_fdw;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE public.remote (at timestamptz, v int) SERVER far;
CREATE TABLE public.mixed (at timestamptz, v int) PARTITION BY RANGE (at);
CREATE FOREIGN TABLE public.mixed_far PARTITION OF public.mixed DEFAULT SERVER far;
SELECT t.refuses('an UNLOGGED table', 'SELECT at, v FROM public.fleeting', '^0A000 .*public.fleeting is UNLOGGED .*SET LOGGED');
SELECT t.refuses('an UNLOGGED partition', 'SELECT at, v FROM public.tree', '^0A000 .*tree_unlogged of public.tree is UNLOGGED .*SET LOGGED');
SELECT t.refuses('an inheritance parent', 'SELECT at, v FROM public.parent', '^0A000 .*public.parent takes part in inheritance .*partitioning');
SELECT t.refuses('an inheritance child', 'SELECT at, v FROM public.child', '^0A000 .*public.child takes part in inheritance .*partitioning');
SELECT t.refuses('a foreign table', 'SELECT at, v FROM public.remote', '^0A000 .*foreign table, public.remote .*window', $$, capture => 'trigger'$$);
SELECT t.refuses('a foreign partition', 'SELECT at, v FROM public.mixed', '^0A000 .*mixed_far of public.mixed is a foreign table .*fires no trigger.*window', $$, capture => 'trigger'$$);
SELECT t.refuses('a system table', 'SELECT backend_start AS at, 1 AS v FROM pg_catalog.pg_stat_ssl, pg_catalog.pg_stat_activity', '^0A000 ', $$, capture => 'trigger'$$);
SELECT t.refuses('a catalog', 'SELECT stxrelid::text::date AS at, 1 AS v FROM pg_catalog.pg_statistic_ext', '^0A000 .*system table .*fire no triggers');
CREATE TEMP TABLE brief (at timestamptz, v int);
CREATE TEMP VIEW brief_facts AS SELECT at, v FROM brief;
SELECT matches(t.raised($$SELECT kpi.track('brief_facts', 'at')$$), '^0A000 .*is a temporary view .*permanent', 'a temporary view');

-- names that are taken
SELECT is(kpi.track('public.good', 'at', '{country}'), 'good', 'a good view is tracked');
SELECT matches(t.raised($$SELECT kpi.track('public.good', 'at')$$), '^42710 .*exists already .*untrack', 'the same view twice');
SELECT t.refuses('a source name that is taken', 'SELECT at, amount FROM public.pay', '^42710 source "good" exists already .*another name', $$, name => 'good'$$);
SELECT t.refuses('a measure name that is taken', 'SELECT at, 1 AS good_amount FROM public.pay', '^42710 measure or metric "good_amount" exists already .*source "good".*good_amount AS my_good_amount');
SELECT matches(t.raised($$SELECT kpi.untrack('nothing')$$), '^42704 source "nothing" does not exist .*kpi.source', 'untrack of what is not there');
SELECT is_empty($$SELECT 1 FROM kpi.source WHERE name <> 'good'$$, 'nothing refused is left in the registry');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'kpi_data'::regnamespace AND relname !~ '^(good_|pg_toast)'$$, 'nor in kpi_data');
SELECT finish();
