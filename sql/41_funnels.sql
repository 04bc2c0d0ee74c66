-- Following keys from one source to the next, over distinct counts. STABLE (one snapshot), write nothing, work on a standby.

CREATE FUNCTION kpi.funnel(steps text[], start_at text DEFAULT '30d', end_at text DEFAULT NULL, within interval DEFAULT '30 days',
                           by name[] DEFAULT '{}', filters jsonb DEFAULT '{}', grain text DEFAULT NULL, max_rows int DEFAULT 1000)
    RETURNS TABLE (step int, metric text, segment jsonb, reached bigint, certain bigint, conversion_pct numeric, of_previous_pct numeric,
                   median_time interval, resolution text, is_complete boolean, as_of timestamptz)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 50000 ROWS 10 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_funnel';
COMMENT ON FUNCTION kpi.funnel(text[], text, text, interval, name[], jsonb, text, int) IS
    'How many keys of the first step''s range came to each next step within a time of the first, each step after the one before. steps: distinct counts whose columns have one type. reached: with a later step in the same hour (grain) taken as after; certain: without such, so that the truth lies between; median_time: since the step before. by: dimensions of the first step; filters: an object for the first step, or an array with one a step. is_complete: nobody can reach it any more. See docs/measures.md';

CREATE FUNCTION kpi.retention(metric text, start_at text DEFAULT '12w', end_at text DEFAULT NULL, grain text DEFAULT 'week', periods int DEFAULT 12,
                              returning_metric text DEFAULT NULL, by name[] DEFAULT '{}', filters jsonb DEFAULT '{}', max_rows int DEFAULT 1000)
    RETURNS TABLE (cohort date, segment jsonb, period int, size bigint, returned bigint, returned_pct numeric, is_complete boolean, as_of timestamptz)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 50000 ROWS 100 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_retention';
COMMENT ON FUNCTION kpi.retention(text, text, text, text, int, text, name[], jsonb, int) IS
    'Cohorts of a distinct count by the period (grain: day, week, month, quarter, year) in which a key was first seen of all time, and how many of them came back in each later period: in the same measure, or in returning_metric. Period 0 is the first. Periods that have not begun are left out; is_complete: the period is over. by: dimensions of the first day; filters: an object for the metric, or an array of two. See docs/measures.md';
