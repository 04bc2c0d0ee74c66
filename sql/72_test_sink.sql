-- Trying a sink out.

CREATE FUNCTION kpi.test_sink(name text)
    RETURNS TABLE (state text, status int, error text, duration interval)
    LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_test_sink';
COMMENT ON FUNCTION kpi.test_sink(text) IS
    'Sends a harmless test message to a sink, now, and waits for the outcome: delivered, retry (it would be tried again) or dead, with the reason';
REVOKE EXECUTE ON FUNCTION kpi.test_sink(text) FROM PUBLIC;
