\echo Use "CREATE EXTENSION kpi_test" to load this file. \quit
-- The schema kpi_test is created by the control file's `schema`.

-- Errors across the boundary (kpi_test.cpp)
CREATE FUNCTION kpi_test.throw_error(sqlstate text, message text, detail text DEFAULT NULL, hint text DEFAULT NULL)
    RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_ext_throw_error';
COMMENT ON FUNCTION kpi_test.throw_error(text, text, text, text) IS 'Throws a kpi::Error';
CREATE FUNCTION kpi_test.throw_other(kind text) RETURNS void LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'kpi_ext_throw_other';
COMMENT ON FUNCTION kpi_test.throw_other(text) IS 'Throws what is no kpi::Error: standard, memory, number';
CREATE FUNCTION kpi_test.nest(depth int, statement text) RETURNS void LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'kpi_ext_nest';
COMMENT ON FUNCTION kpi_test.nest(int, text) IS 'Runs the statement below depth calls PostgreSQL -> C++ -> PostgreSQL, with live C++ objects at each';
CREATE FUNCTION kpi_test.catch(statement text, OUT field text, OUT value text) RETURNS SETOF record
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'kpi_ext_catch';
COMMENT ON FUNCTION kpi_test.catch(text) IS 'The fields of the error that the statement raises, as C++ sees them; rolls it back';
CREATE FUNCTION kpi_test.live() RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_ext_live';
COMMENT ON FUNCTION kpi_test.live() IS 'C++ objects of this module alive now';
CREATE FUNCTION kpi_test.rss() RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_ext_rss';
COMMENT ON FUNCTION kpi_test.rss() IS 'Resident memory of this backend in bytes';

-- Work and faults in transaction callbacks (transaction.cpp)
CREATE FUNCTION kpi_test.at_precommit(statement text) RETURNS void LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'kpi_ext_at_precommit';
COMMENT ON FUNCTION kpi_test.at_precommit(text) IS 'Runs the statement in a PRE_COMMIT (or PRE_PREPARE) callback of the current transaction, as another extension may';
CREATE FUNCTION kpi_test.fail_at(stage text) RETURNS void LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'kpi_ext_fail_at';
COMMENT ON FUNCTION kpi_test.fail_at(text) IS 'Raises KT001 in a callback of the current transaction: pre_commit, pre_prepare, pre_commit_sub';
