-- kpi_ext: the extension script is the parts of sql/ in the order of their numbers.
\echo Use "CREATE EXTENSION kpi_ext" to load this file. \quit

-- Without IF NOT EXISTS: the extension owns its schemas, nobody can have planted objects in them.
CREATE SCHEMA kpi;
COMMENT ON SCHEMA kpi IS 'kpi_ext: functions and registry';
CREATE SCHEMA kpi_data;
COMMENT ON SCHEMA kpi_data IS 'kpi_ext: per source the delta, the rollups and the typed views';
GRANT USAGE ON SCHEMA kpi, kpi_data TO PUBLIC;
