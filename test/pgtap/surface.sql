-- as: superuser
-- What holds for every object of the extension: described, pinned, owned.
BEGIN;
SELECT plan(9);

CREATE VIEW pg_temp.member AS
SELECT d.classid, d.objid, d.classid::regclass::text AS class,
       pg_describe_object(d.classid, d.objid, 0) AS description
  FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
 WHERE e.extname = 'kpi_ext' AND d.deptype = 'e';

SELECT isnt_empty('SELECT 1 FROM pg_temp.member', 'the extension has members');

SELECT is_empty($$
    SELECT description FROM pg_temp.member
     WHERE class IN ('pg_proc', 'pg_class', 'pg_namespace', 'pg_operator', 'pg_event_trigger')
       AND obj_description(objid, class) IS NULL
       AND description !~ '^(index|sequence|toast)' ORDER BY 1$$,
    'every function, table, view, schema and event trigger has a COMMENT');

SELECT is_empty($$
    SELECT description FROM pg_temp.member
     WHERE class IN ('pg_proc', 'pg_class') AND length(obj_description(objid, class)) < 15$$,
    'a COMMENT is more than a word');

SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_temp.member m ON m.class = 'pg_proc' AND m.objid = p.oid
     WHERE NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
       -- Names of an SQL-standard body were resolved when it was created; immutable C computes and looks nothing up.
       AND p.prosqlbody IS NULL
       AND NOT (p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'c') AND p.provolatile = 'i')
       -- Aggregates have no body; window functions run once a row, without SQL.
       AND p.prokind NOT IN ('a', 'w')
       -- C that runs once a row or once a read, where a SET would cost more than the work: all their SQL is qualified.
       -- Event triggers: they resolve the statement's names in the session's path, then pin it themselves.
       AND p.oid <> ALL ('{kpi.capture(), kpi.capture_truncate(), kpi._dirty_days(text), "kpi._pending(anyelement)",
                           "kpi._facts(anyelement,datemultirange,integer)", "kpi._facts_between(anyelement,tstzmultirange,integer)", kpi._ddl_start(), kpi._ddl_end(), kpi._ddl_drop()}'::regprocedure[])
       -- A procedure with a SET clause cannot commit; it pins the path itself, step by step.
       AND p.oid <> ALL ('{kpi.work(),kpi.run_due(text)}'::regprocedure[])$$,
    'every function pins its search_path to pg_catalog, pg_temp, or looks no name up');

SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_temp.member m ON m.class = 'pg_proc' AND m.objid = p.oid
     WHERE p.prosecdef AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
       AND p.provolatile = 'v'$$,
    'no SECURITY DEFINER function that may write is executable by PUBLIC');

SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_temp.member m ON m.class = 'pg_proc' AND m.objid = p.oid
     WHERE p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)
       AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)$$,
    'nobody can hang our trigger functions on a table of their own');

SELECT is_empty($$
    SELECT c.oid::regclass, a.privilege_type FROM pg_class c JOIN pg_temp.member m ON m.class = 'pg_class' AND m.objid = c.oid,
           aclexplode(c.relacl) a
     WHERE a.grantee = 0 AND a.privilege_type <> 'SELECT'$$,
    'PUBLIC writes no table');

SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_temp.member m ON m.class = 'pg_proc' AND m.objid = p.oid
     WHERE p.proname !~ '^_' AND p.pronargs > 0
       AND (p.proargnames IS NULL OR '' = ANY (p.proargnames[1:p.pronargs]))$$,
    'arguments of public functions have names');

SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class c JOIN pg_temp.member m ON m.class = 'pg_class' AND m.objid = c.oid
     WHERE c.relkind = 'r' AND NOT c.oid = ANY (
           (SELECT extconfig FROM pg_extension WHERE extname = 'kpi_ext')::oid[] ||
           -- Not dumped, on purpose: what only describes the running server.
           ARRAY(SELECT to_regclass(t)::oid FROM unnest('{kpi.sink_secret,kpi.link_key,kpi.sink_state,kpi.outbox,kpi.delivery,kpi.incident_message,kpi.rule_memory,kpi.rule_state,kpi.history_state,kpi.check_state,kpi.check_result,kpi.publication_state,probe_state,kpi.probe_run,kpi.probe_plan,kpi.job_state,kpi.run,kpi.report,kpi.announcement}'::text[]) t))$$,
    'every table is either in the dump or named here as not to be dumped');

SELECT finish();
ROLLBACK;
