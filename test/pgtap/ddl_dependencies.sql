-- as: superuser
-- What a facts view reaches indirectly is replaced: the source is marked, a rebuild makes it right, others are left alone.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA t;
CREATE SCHEMA u;
CREATE TABLE u.pay (at timestamptz NOT NULL, x int, n numeric, label text, words text);
CREATE TABLE u.lead (at timestamptz NOT NULL, x int, m int);
INSERT INTO u.pay SELECT timestamptz '2026-11-20 10:00Z' + i * interval '7 hours', i, i, 'k' || i % 3, 'running ' || i FROM generate_series(1, 30) i;
INSERT INTO u.lead SELECT timestamptz '2026-11-20 10:00Z' + i * interval '7 hours', i, i FROM generate_series(1, 30) i;

-- What the case needs, the facts view, the change; `differs`: the numbers are others afterwards.
CREATE TABLE t.case (place int GENERATED ALWAYS AS IDENTITY, what text, needs text, view text, change text, differs boolean DEFAULT true);
INSERT INTO t.case (what, needs, view, change) VALUES
('the rule of the view', '', 'SELECT at, n AS %1$s_n FROM u.pay',
    'CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO u.%1$s DO INSTEAD SELECT at, n * 2 AS %1$s_n FROM u.pay'),
('a function behind an operator', $$CREATE FUNCTION u.twice(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT a * b';
     CREATE OPERATOR u.*** (leftarg = numeric, rightarg = numeric, function = u.twice)$$,
    'SELECT at, n OPERATOR(u.***) 2 AS %1$s_n FROM u.pay',
    $$CREATE OR REPLACE FUNCTION u.twice(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT a * b * 10'$$),
('a function in the check of a domain', $$CREATE FUNCTION u.ok(x int) RETURNS bool LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT x > 0';
     CREATE DOMAIN u.positive AS int CHECK (u.ok(value))$$,
    'SELECT at, x::u.positive::int AS %1$s_n FROM u.pay',
    $$CREATE OR REPLACE FUNCTION u.ok(x int) RETURNS bool LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT x > 10'$$),
('a function called by a function', 'CREATE FUNCTION u.inner1(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN x * 2;
     CREATE FUNCTION u.middle1(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT u.inner1(x) + 1; END;
     CREATE FUNCTION u.outer1(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT u.middle1(x) + 1; END',
    'SELECT at, u.outer1(n) AS %1$s_n FROM u.pay', 'CREATE OR REPLACE FUNCTION u.inner1(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN x * 20'),
('a function behind a cast', $$CREATE TYPE u.money_row AS (v numeric);
     CREATE FUNCTION u.worth(m u.money_row) RETURNS numeric LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT m.v';
     CREATE CAST (u.money_row AS numeric) WITH FUNCTION u.worth(u.money_row)$$,
    'SELECT at, ROW(n)::u.money_row::numeric AS %1$s_n FROM u.pay',
    $$CREATE OR REPLACE FUNCTION u.worth(m u.money_row) RETURNS numeric LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT m.v * 3'$$),
('a function in the filter, behind a domain over a domain', $$CREATE FUNCTION u.short(x text) RETURNS bool LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT length(x) < 9';
     CREATE DOMAIN u.word AS text CHECK (u.short(value)); CREATE DOMAIN u.noun AS u.word$$,
    'SELECT at, n AS %1$s_n FROM u.pay WHERE label::u.noun <> ''k1''',
    $$CREATE OR REPLACE FUNCTION u.short(x text) RETURNS bool LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT length(x) < 9 AND x <> ''k2'''$$),
('a function that gets another setting', $$CREATE SCHEMA u1; CREATE FUNCTION u1.factor() RETURNS int LANGUAGE sql IMMUTABLE RETURN 1;
     CREATE SCHEMA u2; CREATE FUNCTION u2.factor() RETURNS int LANGUAGE sql IMMUTABLE RETURN 2;
     CREATE FUNCTION u.late(x numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE SET search_path = u1, pg_catalog AS 'BEGIN RETURN x * factor(); END';
     CREATE FUNCTION u.calls_late(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN u.late(x)$$,
    'SELECT at, u.calls_late(n) AS %1$s_n FROM u.pay', 'ALTER FUNCTION u.late SET search_path = u2, pg_catalog'),
('a domain that loses its check', 'CREATE DOMAIN u.below20 AS int CONSTRAINT small CHECK (value < 20)', 'SELECT at, x::u.below20::int AS %1$s_n FROM u.pay',
    'ALTER DOMAIN u.below20 DROP CONSTRAINT small'),
('a label of an enum', $$CREATE TYPE u.mood AS ENUM ('good', 'bad'); CREATE TABLE u.moody (at timestamptz, mood u.mood);
     INSERT INTO u.moody SELECT at, (CASE WHEN x > 5 THEN 'good' ELSE 'bad' END)::u.mood FROM u.pay$$,
    $$SELECT at, CASE WHEN mood::text = 'bad' THEN 1 ELSE 0 END AS %1$s_n FROM u.moody$$, $$ALTER TYPE u.mood RENAME VALUE 'bad' TO 'worse'$$),
('an aggregate, with window capture', $$CREATE FUNCTION u.add1(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN a + coalesce(b, 0);
     CREATE AGGREGATE u.total(numeric) (sfunc = u.add1, stype = numeric, initcond = 0)$$,
    'SELECT p.at, (SELECT u.total(l.m) FROM u.lead l WHERE l.x <= p.x) AS %1$s_n FROM u.pay p',
    'CREATE OR REPLACE AGGREGATE u.total(numeric) (sfunc = u.add1, stype = numeric, initcond = 100)'),
('the function of an aggregate', $$CREATE FUNCTION u.add2(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN a + coalesce(b, 0);
     CREATE AGGREGATE u.total2(numeric) (sfunc = u.add2, stype = numeric, initcond = 0)$$,
    'SELECT p.at, (SELECT u.total2(l.m) FROM u.lead l WHERE l.x <= p.x) AS %1$s_n FROM u.pay p',
    'CREATE OR REPLACE FUNCTION u.add2(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN a + 2 * coalesce(b, 0)'),
('a view below', 'CREATE VIEW u.below AS SELECT x, m FROM u.lead; CREATE VIEW u.between AS SELECT x, m FROM u.below',
    'SELECT p.at, b.m AS %1$s_n FROM u.pay p JOIN u.between b USING (x)', 'CREATE OR REPLACE VIEW u.below AS SELECT x, m * 7 AS m FROM u.lead'),
('the rule of a view below', 'CREATE VIEW u.below2 AS SELECT x, m FROM u.lead', 'SELECT p.at, b.m AS %1$s_n FROM u.pay p JOIN u.below2 b USING (x)',
    'CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO u.below2 DO INSTEAD SELECT x, m * 7 AS m FROM u.lead'),
('a text search configuration', 'CREATE TEXT SEARCH CONFIGURATION u.conf (COPY = pg_catalog.english)',
    $$SELECT at, CASE WHEN to_tsvector('u.conf', words) @@ 'run'::tsquery THEN 1 ELSE 0 END AS %1$s_n FROM u.pay$$,
    'ALTER TEXT SEARCH CONFIGURATION u.conf ALTER MAPPING FOR asciiword WITH simple'),
('a text search dictionary', $$CREATE TEXT SEARCH DICTIONARY u.dict (TEMPLATE = snowball, LANGUAGE = english);
     CREATE TEXT SEARCH CONFIGURATION u.conf2 (COPY = pg_catalog.english); ALTER TEXT SEARCH CONFIGURATION u.conf2 ALTER MAPPING FOR asciiword WITH u.dict$$,
    $$SELECT at, CASE WHEN to_tsvector('u.conf2', words) @@ 'run'::tsquery THEN 1 ELSE 0 END AS %1$s_n FROM u.pay$$,
    'ALTER TEXT SEARCH DICTIONARY u.dict (LANGUAGE = simple)');
UPDATE t.case SET change = 'ALTER TEXT SEARCH DICTIONARY u.dict (LANGUAGE = german)' WHERE what = 'a text search dictionary';
INSERT INTO t.case (what, needs, view, change, differs) VALUES
('the output function of a base type', $$CREATE TYPE u.own; CREATE FUNCTION u.own_in(cstring) RETURNS u.own LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
     CREATE FUNCTION u.own_out(u.own) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
     CREATE TYPE u.own (INPUT = u.own_in, OUTPUT = u.own_out, LIKE = pg_catalog.int4); CREATE CAST (int AS u.own) WITHOUT FUNCTION;
     CREATE TABLE u.owned (at timestamptz, o u.own); INSERT INTO u.owned SELECT at, x::u.own FROM u.pay$$,
    'SELECT at, length(o::text) AS %1$s_n FROM u.owned',
    $$CREATE OR REPLACE FUNCTION u.own_out(u.own) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'oidout'$$, false),
('the version of a collation', $$CREATE COLLATION u.coll (provider = icu, locale = 'de')$$, 'SELECT at, CASE WHEN label COLLATE u.coll < ''k2'' THEN 1 ELSE 0 END AS %1$s_n FROM u.pay',
    'ALTER COLLATION u.coll REFRESH VERSION', false);
SELECT plan(5 * (SELECT count(*)::int FROM t.case) + 3);

CREATE VIEW u.bystander AS SELECT at, n AS bystander_n FROM u.pay;
SELECT kpi.track('u.bystander', 'at', '{}', 'bystander', 'UTC', hour_retention => '100 years', build => 'now') \gset

CREATE FUNCTION t.sum(source text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE out numeric;
BEGIN
    EXECUTE format('SELECT sum(%1$I_n) FROM kpi_data.%1$I_daily', source) INTO out;
    RETURN out;
END $$;
CREATE FUNCTION t.follows(c t.case) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE source text := 'case' || c.place; before numeric; marked text;
BEGIN
    EXECUTE c.needs;
    EXECUTE format('CREATE VIEW u.%s AS ', source) || format(c.view, source);
    PERFORM kpi.track(('u.' || source)::regclass, 'at', '{}', source, 'UTC', CASE WHEN c.what ~ 'aggregate' THEN 'window' ELSE 'auto' END, hour_retention => '100 years', lookback => '100 years', build => 'now');
    RETURN NEXT is_empty(format('SELECT * FROM kpi.verify(%L)', source), c.what || ': right before');
    before := t.sum(source);
    EXECUTE format(c.change, source);
    SELECT string_agg(d.source || ' (' || d.why || ')', ', ') INTO marked FROM kpi.dirty d;
    RETURN NEXT is(marked, source || substring(marked, ' \(.*\)$'), c.what || ': leaves a mark on this source and no other');
    PERFORM kpi.rebuild(source);
    RETURN NEXT is_empty('SELECT * FROM kpi.dirty', c.what || ': repaired');
    RETURN NEXT is_empty(format('SELECT * FROM kpi.verify(%L)', source), c.what || ': right after');
    RETURN NEXT is(t.sum(source) IS DISTINCT FROM before, c.differs, c.what || ': the numbers ' || CASE WHEN c.differs THEN 'changed' ELSE 'did not change' END);
END $$;
SELECT t.follows(c) FROM t.case c ORDER BY place;

-- What nothing tracked reaches leaves no mark.
CREATE FUNCTION u.unused(x int) RETURNS int LANGUAGE sql IMMUTABLE RETURN x;
CREATE OR REPLACE FUNCTION u.unused(x int) RETURNS int LANGUAGE sql IMMUTABLE RETURN x + 1;
CREATE RULE noted AS ON INSERT TO u.lead WHERE new.x = -1 DO INSTEAD NOTHING;
SELECT is_empty('SELECT * FROM kpi.dirty', 'functions and rules that no facts view reaches leave no mark');
SELECT is_empty($$SELECT * FROM kpi.verify('bystander')$$, 'and the bystander was right all the time');
-- A rule that would change the columns is refused like CREATE OR REPLACE VIEW.
SELECT throws_ok('CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO u.bystander DO INSTEAD SELECT at, n AS bystander_n FROM u.pay LIMIT 5', '0A000', NULL,
    'a rule with LIMIT is refused like a view with LIMIT');
SELECT finish();
