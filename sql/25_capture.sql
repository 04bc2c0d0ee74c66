-- Capture: the triggers that kpi.track puts on base tables, and facts in the shape of a delta table.

CREATE FUNCTION kpi.capture() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_ext_capture';
COMMENT ON FUNCTION kpi.capture() IS 'Row trigger of a tracked base table, created by kpi.track: adds what a row changes to the source''s deltas';
REVOKE ALL ON FUNCTION kpi.capture() FROM PUBLIC;

CREATE FUNCTION kpi.capture_truncate() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_ext_capture_truncate';
COMMENT ON FUNCTION kpi.capture_truncate() IS 'TRUNCATE trigger of a tracked base table and its partitions: marks the source dirty';
REVOKE ALL ON FUNCTION kpi.capture_truncate() FROM PUBLIC;

CREATE FUNCTION kpi._pending(delta anyelement) RETURNS SETOF anyelement
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'kpi_ext_pending';
COMMENT ON FUNCTION kpi._pending(anyelement) IS 'What the calling transaction has changed in a source and not flushed yet; the argument is NULL of the delta table''s row type';

CREATE FUNCTION kpi._facts(delta anyelement, days datemultirange, dimensions int DEFAULT -1) RETURNS SETOF anyelement
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 100000 AS 'MODULE_PATHNAME', 'kpi_ext_facts';
COMMENT ON FUNCTION kpi._facts(anyelement, datemultirange, int) IS 'The facts of the given local days, aggregated in the shape of the delta table by the dimensions whose bits are set, with the values of the counted measures whose bits, after those of the dimensions, are set (a key may come more than once); rows with errors are left out';

CREATE FUNCTION kpi._facts_between(delta anyelement, instants tstzmultirange, dimensions int DEFAULT -1) RETURNS SETOF anyelement
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100 AS 'MODULE_PATHNAME', 'kpi_ext_facts_between';
COMMENT ON FUNCTION kpi._facts_between(anyelement, tstzmultirange, int) IS 'The same for the facts whose instant lies in the ranges: parts of hours';

CREATE FUNCTION kpi._dirty_days(source text) RETURNS datemultirange
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ext_dirty';
COMMENT ON FUNCTION kpi._dirty_days(text) IS 'The local days that a reader must take from the facts view; raises an error unless the caller may read it';
