-- kpi_ext: the extension script is the parts of sql/ in the order of their numbers.
\echo Use "CREATE EXTENSION kpi_ext" to load this file. \quit

-- CREATE EXTENSION puts the schema of the session in the path: nothing planted there may be what this script calls.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Without IF NOT EXISTS: the extension owns its schemas, nobody can have planted objects in them.
CREATE SCHEMA kpi;
COMMENT ON SCHEMA kpi IS 'kpi_ext: functions and registry';
CREATE SCHEMA kpi_data;
COMMENT ON SCHEMA kpi_data IS 'kpi_ext: per source the delta, the rollups and the typed views';
GRANT USAGE ON SCHEMA kpi, kpi_data TO PUBLIC;

-- Roles belong to the cluster: another database may have made them, at this very moment too, and DROP EXTENSION leaves them.
--   kpi_admin     defines: may call what writes, for what it owns
--   kpi_operator  a kpi_admin that may also change and see sinks and messages of others
--   kpi_reader    sees the health of the outbox without its contents
DO $$
DECLARE role text;
BEGIN
    FOREACH role IN ARRAY '{kpi_admin,kpi_operator,kpi_reader}'::text[] LOOP
        BEGIN
            IF pg_catalog.to_regrole(role) IS NULL THEN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role);
                IF role = 'kpi_operator' THEN
                    GRANT kpi_admin TO kpi_operator;
                END IF;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END $$;
