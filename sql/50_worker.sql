-- The worker: waking it, doing its work by hand, and what it says about itself.

CREATE FUNCTION kpi.wake() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_wake';
COMMENT ON FUNCTION kpi.wake() IS
    'Wakes the worker of this database when the transaction commits; it then also recomputes sources with window capture. NOTIFY kpi_refresh does the same for old clients, at most once a kpi.notify_interval';
REVOKE EXECUTE ON FUNCTION kpi.wake() FROM PUBLIC;

-- No SET clause and no SECURITY DEFINER: a procedure with either cannot commit. It pins search_path and switches to the
-- extension's owner by itself, step by step.
CREATE PROCEDURE kpi.work()
    LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_ext_work';
COMMENT ON PROCEDURE kpi.work() IS
    'Does everything the worker would do now, each step in its own transaction: for a server without shared_preload_libraries, from pg_cron or by hand';
REVOKE EXECUTE ON PROCEDURE kpi.work() FROM PUBLIC;

CREATE FUNCTION kpi.status() RETURNS jsonb
    LANGUAGE c STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_status';
COMMENT ON FUNCTION kpi.status() IS
    'The state of the worker and of every source: heartbeat, backlog, lag, last error, and what holds the clean-up back. Error texts are shown to those who may read the facts view';

-- The launcher reads this in pg_db_role_setting and so connects to no database to find out. A setting made before, for
-- instance off on a copy that is to stay quiet, is kept. Ringing makes the launcher look at commit.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
                    WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                      AND s.setrole = 0 AND c LIKE 'kpi.worker=%') THEN
        EXECUTE pg_catalog.format('ALTER DATABASE %I SET kpi.worker = on', pg_catalog.current_database());
    END IF;
    PERFORM kpi.wake();
END $$;
