-- Rollups: sums with counted specials, merge, rebuild, verify, freeze.

CREATE FUNCTION kpi._sum(sum numeric, nan numeric, pinf numeric, ninf numeric) RETURNS numeric
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'kpi_ext_sum';
COMMENT ON FUNCTION kpi._sum(numeric, numeric, numeric, numeric) IS
    'The sum of a measure from its finite sum and its counts of NaN, Infinity and -Infinity, as PostgreSQL''s sum() gives it; NULL counts 0';
