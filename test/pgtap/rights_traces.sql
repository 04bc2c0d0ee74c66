-- as: superuser
-- What code behind a facts view or a formula may leave behind in the session of a reader, of a writer, and of kpi.work(): nothing.
-- mallory owns the code; every session here is a superuser's. test/cluster/test_rights_worker.py does the same to the worker.
SET client_min_messages = warning;
DO $$ BEGIN
    IF to_regrole('mallory') IS NOT NULL THEN EXECUTE 'DROP OWNED BY mallory CASCADE; DROP ROLE mallory'; END IF;
END $$;
CREATE ROLE mallory;
GRANT kpi_admin TO mallory;
CREATE SCHEMA mallory AUTHORIZATION mallory;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT plan(100);
SET ROLE mallory;
CREATE TABLE mallory.ev (at timestamptz DEFAULT now(), k text, v int);
CREATE TABLE mallory.spoils (what text);
CREATE FUNCTION mallory.act() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 0; END';
CREATE FUNCTION mallory.esc(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = mallory AS $$ DECLARE r int; BEGIN SELECT mallory.act() INTO r; RETURN x; END $$;
CREATE FUNCTION mallory.f(x numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE r int; BEGIN SELECT mallory.act() INTO r; RETURN x; END $$;
CREATE DOMAIN mallory.checked AS int CHECK (mallory.esc(value) IS NOT NULL);
CREATE VIEW mallory.ev_facts AS SELECT at, k, mallory.esc(v) AS v, v::mallory.checked::int AS w FROM mallory.ev;
SELECT kpi.track('mallory.ev_facts', 'at', '{k}', 'ev', 'UTC');
SELECT kpi.define('leaky', 'mallory.f(v)');
RESET ROLE;

CREATE FUNCTION pg_temp.state() RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'settings', (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name NOT LIKE 'transaction%'),
        'custom', nullif(current_setting('mallory.x', true), ''),
        'locks', (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid < 3 AND pid = pg_backend_pid()),
        'channels', (SELECT count(*) FROM pg_listening_channels()),
        'prepared', (SELECT count(*) FROM pg_prepared_statements),
        'cursors', (SELECT count(*) FROM pg_cursors WHERE is_holdable),
        'temporary', (SELECT count(*) FROM pg_class WHERE relpersistence = 't'),
        'role', current_user, 'session', session_user,
        'spoils', (SELECT count(*) FROM mallory.spoils),
        'superuser', (SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory')) $$;

CREATE TABLE traces (name text PRIMARY KEY, body text);
INSERT INTO traces VALUES
    ('search_path', $$PERFORM set_config('search_path', 'mallory, pg_catalog', false)$$),
    ('read only', $$PERFORM set_config('default_transaction_read_only', 'on', false)$$),
    ('DateStyle', $$PERFORM set_config('DateStyle', 'SQL, DMY', false)$$),
    ('TimeZone', $$SET TimeZone = 'Asia/Tokyo'$$),
    ('statement_timeout', $$PERFORM set_config('statement_timeout', '1', false)$$),
    ('application_name', $$PERFORM set_config('application_name', 'mallory', false)$$),
    ('a setting of its own', $$PERFORM set_config('mallory.x', 'y', false)$$),
    ('caught', $$BEGIN PERFORM set_config('search_path', 'mallory', false); RAISE EXCEPTION 'x'; EXCEPTION WHEN OTHERS THEN PERFORM set_config('search_path', 'mallory', false); END$$),
    ('and an error', $$PERFORM set_config('search_path', 'mallory', false); RAISE EXCEPTION 'x'$$),
    ('role', $$SET ROLE mallory$$),
    ('session', $$SET SESSION AUTHORIZATION mallory$$),
    ('advisory lock', $$PERFORM pg_advisory_lock(42)$$),
    ('advisory lock, shared, tried', $$PERFORM pg_try_advisory_lock_shared(4, 2)$$),
    ('advisory unlock', $$PERFORM pg_advisory_unlock_all()$$),
    ('listen', $$LISTEN mallory$$),
    ('prepare', $$EXECUTE 'PREPARE p AS SELECT 1'$$),
    ('temporary table', $$CREATE TEMPORARY TABLE tt (i int)$$),
    ('held cursor', $$EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT 1'$$),
    ('insert', $$INSERT INTO mallory.spoils VALUES ('x')$$),
    ('read-write again', $$PERFORM set_config('transaction_read_only', 'off', true); INSERT INTO mallory.spoils VALUES ('x')$$),
    ('seed', $$PERFORM setseed(0.5)$$),
    ('superuser', $$ALTER ROLE mallory SUPERUSER$$),
    ('notices', $$FOR i IN 1..1000 LOOP RAISE WARNING 'x'; END LOOP$$);

-- A lock of the session's own, which nobody may give away.
SELECT pg_advisory_lock(7);

CREATE FUNCTION pg_temp.become(trace text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION mallory.act() RETURNS int LANGUAGE plpgsql VOLATILE AS %L',
                   'BEGIN ' || (SELECT body FROM traces WHERE name = trace) || '; RETURN 0; END');
END $$;
CREATE FUNCTION pg_temp.difference(a jsonb, b jsonb) RETURNS text LANGUAGE sql AS $$
    WITH sides AS (SELECT (a - 'settings') || (a -> 'settings') AS a, (b - 'settings') || (b -> 'settings') AS b)
    SELECT string_agg(format('%s: %s, was %s', key, s.b -> key, s.a -> key), '; ')
      FROM sides s, jsonb_object_keys(s.a || s.b) key WHERE s.a -> key IS DISTINCT FROM s.b -> key $$;
-- Whatever comes of it, error or not, the state is what it was. Without a subtransaction around it, as a session has none.
CREATE FUNCTION pg_temp.unchanged(trace text, place text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE before jsonb := pg_temp.state();
BEGIN
    IF trace IN ('and an error', 'advisory lock', 'advisory lock, shared, tried', 'advisory unlock', 'listen', 'prepare', 'temporary table', 'held cursor',
                 'insert', 'read-write again', 'seed', 'superuser', 'role', 'session') AND place <> 'writer' THEN
        BEGIN EXECUTE statement; EXCEPTION WHEN OTHERS THEN NULL; END;
    ELSE
        EXECUTE statement;
    END IF;
    RETURN is(pg_temp.difference(before, pg_temp.state()), NULL, trace || ', ' || place);
END $$;

INSERT INTO mallory.ev (k, v) VALUES ('a', 1);
CALL kpi.work();
SELECT pg_temp.become('search_path');
SELECT isnt_empty($$SELECT * FROM kpi.query('{leaky}', 'today')$$, 'the formula is evaluated');
CREATE FUNCTION pg_temp.all_of(trace text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_temp.become(trace);
    RETURN NEXT pg_temp.unchanged(trace, 'reader', $q$SELECT count(*) FROM kpi.query('{leaky}', 'today')$q$);
    RETURN NEXT pg_temp.unchanged(trace, 'writer', $q$INSERT INTO mallory.ev (k, v) VALUES ('a', 1)$q$);
    RETURN NEXT pg_temp.unchanged(trace, 'reader of dirty days', $q$SELECT count(*) FROM kpi_data.ev_daily$q$);
    RETURN NEXT pg_temp.unchanged(trace, 'rebuild', $q$SELECT kpi.rebuild('ev')$q$);
END $$;
SELECT pg_temp.all_of(name) FROM traces ORDER BY name;

-- Not only inside one transaction: kpi.work() commits.
CREATE TEMP TABLE before AS SELECT pg_temp.state() - 'temporary' AS state;
SELECT pg_temp.become('search_path');
CALL kpi.work();
SELECT is(pg_temp.difference(state, pg_temp.state() - 'temporary'), NULL, 'kpi.work() leaves the session as it was') FROM before;
SELECT pg_temp.become('caught');
INSERT INTO mallory.ev (k, v) VALUES ('b', 2);
SELECT count(*) FROM kpi.summary();
SELECT is(pg_temp.difference(state, pg_temp.state() - 'temporary'), NULL, 'so do an insert and kpi.summary()') FROM before;
SELECT is((SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'), false, 'mallory is no superuser');
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), 1::bigint, 'the lock of the session is still held');

-- Outside such code the functions are what they always were; other restricted contexts are not touched.
SELECT lives_ok('SELECT setseed(0.5), pg_try_advisory_lock(42), pg_advisory_unlock(42)', 'everybody else may');
CREATE FUNCTION mallory.locks(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_try_advisory_xact_lock(9); RETURN $1; END';
SELECT lives_ok('CREATE INDEX ON mallory.ev (mallory.locks(v))', 'also an index of a user');

-- What a PL/pgSQL function calls is in no catalog: after such a change the owner rebuilds.
SELECT pg_temp.become('notices');
DROP INDEX mallory.ev_locks_idx;
SELECT kpi.rebuild('ev');
CALL kpi.work();
SELECT is_empty($$SELECT * FROM kpi.verify('ev')$$, 'and the numbers are right');
SELECT kpi.undefine('leaky');
SELECT kpi.untrack('ev');
SELECT * FROM finish();
DROP OWNED BY mallory CASCADE;
DROP ROLE mallory;
