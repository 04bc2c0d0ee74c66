-- The functions pin search_path themselves, after they have resolved the names of the statement in the session's own.
-- Event triggers: DDL that changes what a facts view shows without firing a row trigger.

CREATE FUNCTION kpi._ddl_start() RETURNS event_trigger LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_ext_ddl_start';
COMMENT ON FUNCTION kpi._ddl_start() IS 'Before DDL: locks tracked tables and views so that no writer deadlocks or queues, marks the source of a partition that is detached concurrently';
CREATE FUNCTION kpi._ddl_end() RETURNS event_trigger LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_ext_ddl_end';
COMMENT ON FUNCTION kpi._ddl_end() IS 'After DDL on a tracked table or view: marks the source dirty, follows renames, refuses what capture cannot follow';
CREATE FUNCTION kpi._ddl_drop() RETURNS event_trigger LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_ext_ddl_drop';
COMMENT ON FUNCTION kpi._ddl_drop() IS 'After DROP: forgets sources whose facts view is gone, marks those that lost a partition';
REVOKE ALL ON FUNCTION kpi._ddl_start(), kpi._ddl_end(), kpi._ddl_drop() FROM PUBLIC;

CREATE EVENT TRIGGER kpi_ddl_start ON ddl_command_start
    WHEN TAG IN ('DROP EXTENSION', 'DROP SCHEMA', 'DROP OWNED', 'DROP VIEW', 'DROP TABLE', 'ALTER TABLE', 'CREATE VIEW',
                 'ALTER VIEW', 'CREATE RULE') EXECUTE FUNCTION kpi._ddl_start();
CREATE EVENT TRIGGER kpi_ddl_end ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER FOREIGN TABLE', 'CREATE TABLE', 'CREATE FOREIGN TABLE', 'CREATE VIEW', 'ALTER VIEW', 'CREATE RULE',
                 'ALTER TRIGGER', 'CREATE FUNCTION', 'ALTER FUNCTION', 'ALTER ROUTINE', 'CREATE AGGREGATE', 'ALTER TYPE', 'ALTER DOMAIN',
                 'ALTER OPERATOR', 'ALTER COLLATION', 'ALTER TEXT SEARCH CONFIGURATION', 'ALTER TEXT SEARCH DICTIONARY')
    EXECUTE FUNCTION kpi._ddl_end();
CREATE EVENT TRIGGER kpi_ddl_drop ON sql_drop EXECUTE FUNCTION kpi._ddl_drop();
-- Logical apply and session_replication_role = replica must not open a gap either.
ALTER EVENT TRIGGER kpi_ddl_start ENABLE ALWAYS;
ALTER EVENT TRIGGER kpi_ddl_end ENABLE ALWAYS;
ALTER EVENT TRIGGER kpi_ddl_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER kpi_ddl_start IS 'kpi_ext: locks and marks before DDL on tracked tables and views';
COMMENT ON EVENT TRIGGER kpi_ddl_end IS 'kpi_ext: DDL on tracked tables and views';
COMMENT ON EVENT TRIGGER kpi_ddl_drop IS 'kpi_ext: dropped views, partitions and triggers';

-- A source that arrives by a restore: its tables come from another server's time zone data and collations, and a data-only
-- restore loads rollups beside rows that are captured again. So it is born dirty too; kpi.track relies on this mark as well.
CREATE FUNCTION kpi._source_added() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO kpi.dirty (source, "from", "to", why) VALUES (NEW.name, '-infinity', 'infinity', 'new');
    RETURN NULL;
END $$;
COMMENT ON FUNCTION kpi._source_added() IS 'Row trigger of kpi.source: a new source is dirty over everything';
REVOKE ALL ON FUNCTION kpi._source_added() FROM PUBLIC;
CREATE TRIGGER source_added AFTER INSERT ON kpi.source FOR EACH ROW EXECUTE FUNCTION kpi._source_added();
ALTER TABLE kpi.source ENABLE ALWAYS TRIGGER source_added;
