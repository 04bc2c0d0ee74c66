-- as: superuser
-- "permission denied" names the role to ask for, for everything of kpi that is not open to everybody, and for nothing else.
DO $$
BEGIN
    IF to_regrole('r_stranger') IS NOT NULL THEN DROP OWNED BY r_stranger; DROP ROLE r_stranger; END IF;
    CREATE ROLE r_stranger;
END $$;
GRANT USAGE ON SCHEMA public TO r_stranger;
CREATE SCHEMA t;
CREATE TABLE t.outcome (object text, state text, hint text);
GRANT INSERT ON t.outcome TO r_stranger;
GRANT USAGE ON SCHEMA t TO r_stranger;
CREATE FUNCTION t.tried(object text, statement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE o t.outcome;
BEGIN
    o.object := object;
    EXECUTE statement;
    INSERT INTO t.outcome SELECT object, 'none', '';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS o.state = RETURNED_SQLSTATE, o.hint = PG_EXCEPTION_HINT;
    INSERT INTO t.outcome SELECT o.*;
END $$;
-- A call with a null for each argument; a relation that is read.
CREATE TABLE t.statement AS
SELECT p.oid::regprocedure::text AS object, p.proname::text AS name,
       format('%s kpi.%I(%s)', CASE p.prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END, p.proname,
              (SELECT string_agg('NULL::' || format_type(a, NULL), ', ' ORDER BY i) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY u (a, i))) AS statement,
       (SELECT r FROM unnest('{kpi_reader,kpi_admin,kpi_operator}'::text[]) WITH ORDINALITY u (r, i)
         WHERE has_function_privilege(r, p.oid, 'EXECUTE') ORDER BY i LIMIT 1) AS role
  FROM pg_proc p WHERE p.pronamespace = 'kpi'::regnamespace AND p.prokind IN ('f', 'p') AND p.prorettype <> 'trigger'::regtype AND p.prorettype <> 'event_trigger'::regtype
   AND NOT p.proisstrict -- of NULL it is not called at all
   AND p.proname !~ '^_' AND NOT has_function_privilege('r_stranger', p.oid, 'EXECUTE')
UNION ALL
SELECT c.relname, c.relname, format('SELECT count(*) FROM kpi.%I', c.relname),
       (SELECT r FROM unnest('{kpi_reader,kpi_admin,kpi_operator}'::text[]) WITH ORDINALITY u (r, i)
         WHERE has_table_privilege(r, c.oid, 'SELECT') ORDER BY i LIMIT 1)
  FROM pg_class c WHERE c.relnamespace = 'kpi'::regnamespace AND c.relkind IN ('r', 'v') AND NOT has_table_privilege('r_stranger', c.oid, 'SELECT')
   AND NOT has_any_column_privilege('r_stranger', c.oid, 'SELECT');
GRANT SELECT ON t.statement TO r_stranger;
GRANT EXECUTE ON FUNCTION t.tried TO r_stranger;
SELECT plan(8);
SELECT cmp_ok((SELECT count(*) FROM t.statement WHERE role IS NOT NULL), '>', 30::bigint, 'there is something to try');
SET ROLE r_stranger;
SELECT t.tried(object, statement) FROM t.statement;
RESET ROLE;
SELECT is_empty($$SELECT * FROM t.outcome WHERE state <> '42501'$$, 'each is refused');
SELECT is_empty($$SELECT object, role, hint FROM t.outcome JOIN t.statement s USING (object)
    WHERE role IS NOT NULL AND NOT EXISTS (SELECT FROM t.statement o WHERE o.name = s.name AND hint ~ ('members of the role ' || o.role || '\.'))$$, 'and names a role that may');
SELECT is_empty($$SELECT object, hint FROM t.outcome JOIN t.statement USING (object) WHERE role IS NULL AND hint <> ''$$, 'what no role may has no hint');
SELECT is((SELECT hint FROM t.outcome WHERE object = 'kpi.wake()'),
    'It is for members of the role kpi_admin. A member with ADMIN OPTION or a superuser can say: GRANT kpi_admin TO r_stranger;', 'the hint in full');

-- Tables of the user that have the name of one of ours.
CREATE TABLE public.outbox (x int);
SET ROLE r_stranger;
SELECT t.tried('mine', 'SELECT * FROM public.outbox');
SELECT t.tried('call of mine', 'SELECT pg_read_file(''x'')');
RESET ROLE;
SELECT is((SELECT state || hint FROM t.outcome WHERE object = 'mine'), '42501', 'are not ours');
SELECT is((SELECT state || hint FROM t.outcome WHERE object = 'call of mine'), '42501', 'nor are other functions');
SELECT lives_ok('SELECT count(*) FROM kpi.metric', 'and the session goes on');
SELECT finish();
DROP OWNED BY r_stranger;
DROP ROLE r_stranger;
