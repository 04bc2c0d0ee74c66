-- Rollups: sums with counted specials, merge, rebuild, verify, freeze.

CREATE FUNCTION kpi._sum(sum numeric, nan numeric, pinf numeric, ninf numeric) RETURNS numeric
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'kpi_ext_sum';
COMMENT ON FUNCTION kpi._sum(numeric, numeric, numeric, numeric) IS
    'The sum of a measure from its finite sum and its counts of NaN, Infinity and -Infinity, as PostgreSQL''s sum() gives it; NULL counts 0';

CREATE AGGREGATE kpi._count(bigint) (
    SFUNC = pg_catalog.int8pl, STYPE = pg_catalog.int8, COMBINEFUNC = pg_catalog.int8pl, PARALLEL = SAFE);
COMMENT ON AGGREGATE kpi._count(bigint) IS
    'The sum of counts as a count. NULL counts 0; NULL when there is none';

CREATE FUNCTION kpi._total_add(state internal, value numeric) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'kpi_ext_total_add';
COMMENT ON FUNCTION kpi._total_add(internal, numeric) IS 'Transition of kpi._total';

CREATE FUNCTION kpi._total_result(state internal) RETURNS numeric
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT AS 'MODULE_PATHNAME', 'kpi_ext_total';
COMMENT ON FUNCTION kpi._total_result(internal) IS 'Result of kpi._total';

CREATE AGGREGATE kpi._total(numeric) (
    SFUNC = kpi._total_add, STYPE = internal, SSPACE = 48, FINALFUNC = kpi._total_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE kpi._total(numeric) IS
    'What sum() gives, added up in 64 bits as long as they suffice: of the sums of a merge or a rebuild';

CREATE FUNCTION kpi.merge(source text DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'kpi_ext_merge' SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION kpi.merge(text) FROM PUBLIC;
COMMENT ON FUNCTION kpi.merge(text) IS
    'Moves the deltas of a source (NULL: of every source you own) into its rollups and returns how many; the worker does this by itself. Holds the source''s mutex to the end of the transaction; a source that another session is merging is skipped with a notice. For the owner of the source';

CREATE FUNCTION kpi.rebuild(source text, start_at timestamptz DEFAULT NULL, end_at timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'kpi_ext_rebuild' SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION kpi.rebuild(text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION kpi.rebuild(text, timestamptz, timestamptz) IS
    'Writes the rollups of a source anew from its facts view, for the local days that the period touches (NULL: open end). Exact beside concurrent writers and does not block them; frozen days stay. For the owner of the source';

CREATE FUNCTION kpi.verify(source text, start_at timestamptz DEFAULT NULL, end_at timestamptz DEFAULT NULL)
    RETURNS TABLE (bucket timestamptz, grain text, segment jsonb, measure text, expected numeric, actual numeric)
    LANGUAGE c STABLE ROWS 10 AS 'MODULE_PATHNAME', 'kpi_ext_verify' SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION kpi.verify(text, timestamptz, timestamptz) IS
    'Every bucket, segment and measure in which rollups, deltas and your own unflushed changes differ from the facts view; no row when all is well. Frozen days are left out, and so are dirty days, which reads take from the facts view. Needs SELECT on the facts view';

CREATE FUNCTION kpi.freeze(source text, before timestamptz) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'kpi_ext_freeze' SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION kpi.freeze(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION kpi.freeze(text, timestamptz) IS
    'Keeps the local days before a date as they are, so that their facts may be purged or their partitions dropped: later changes, rebuild and verify leave these days alone. An earlier date thaws the days between. For the owner of the source';
