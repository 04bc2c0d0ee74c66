-- Detection over tracked metrics: denominators of ratios, the calendar, the open bucket are known.

CREATE FUNCTION kpi.anomalies(metric text, start_at text DEFAULT '30d', end_at text DEFAULT NULL, by name[] DEFAULT '{}', grain text DEFAULT 'day', method text DEFAULT 'robust', threshold float8 DEFAULT NULL, direction text DEFAULT 'both', min_history int DEFAULT 28, partial text DEFAULT 'skip', fdr float8 DEFAULT NULL, min_impact float8 DEFAULT 0, filters jsonb DEFAULT '{}')
    RETURNS TABLE (segment jsonb, at timestamptz, value float8, expected float8, lower float8, upper float8, score float8, p float8, is_anomaly boolean, type text, impact float8, reason text)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 50000 ROWS 1000 AS 'MODULE_PATHNAME', 'kpi_ext_anomalies' SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION kpi.anomalies(text, text, text, name[], text, text, float8, text, int, text, float8, float8, jsonb) IS
    'kpi.detect over a tracked metric and its segments. History before start_at is read by itself; a metric defined as a quotient is judged by its denominator; the calendar is kpi.event; the open bucket is skipped, or compared with what its weekday usually has by now (partial => compare)';

CREATE FUNCTION kpi.forecast(metric text, horizon int DEFAULT 14, by name[] DEFAULT '{}', coverage float8 DEFAULT 0.9, grain text DEFAULT 'day', filters jsonb DEFAULT '{}')
    RETURNS TABLE (segment jsonb, at timestamptz, expected float8, lower float8, upper float8)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 50000 ROWS 14 AS 'MODULE_PATHNAME', 'kpi_ext_forecast' SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION kpi.forecast(text, int, name[], float8, text, jsonb) IS
    'The next buckets of a metric after the last complete one, each with an interval that holds it with chance coverage. Segments with less than two weeks of days (two days of hours) are left out';

CREATE FUNCTION kpi.explain(metric text, at text DEFAULT 'yesterday', by name[] DEFAULT NULL, compare text DEFAULT 'expected', top int DEFAULT 5, filters jsonb DEFAULT '{}', grain text DEFAULT 'day')
    RETURNS TABLE (rank int, segment jsonb, value float8, expected float8, change float8, share float8, rate_effect float8, mix_effect float8, presence text)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 50000 ROWS 5 AS 'MODULE_PATHNAME', 'kpi_ext_explain' SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION kpi.explain(text, text, name[], text, int, jsonb, text) IS
    'Which part of the cube explains the day: causes, best first; several values of one dimension come as an array, two dimensions as a pair. compare: expected (median of the same weekday of four weeks) or a comparison of kpi.query. by NULL: all dimensions. share: of the total change. For quotients the change inside the segment (rate_effect) and of its weight (mix_effect). presence: new or vanished, or overall where no part stands out: the change is everywhere alike. Where parts cancel each other share is that of all that moved to the same side. An open day is compared up to the same time. filters: as of kpi.query. grain hour: the hour that holds the timestamp at';
