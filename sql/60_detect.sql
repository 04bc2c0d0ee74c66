-- Detection: verdicts by window function, over any table, and over whole arrays. docs/detection.md explains the choice.

CREATE TYPE kpi.verdict AS (
    score      float8,
    p          float8,
    expected   float8,
    lower      float8,
    upper      float8,
    is_anomaly boolean,
    type       text,
    reason     text
);
COMMENT ON TYPE kpi.verdict IS
    'What a detector says of one period. score: in sigmas, compare with the threshold. p: two-sided chance of such a score, calibrated on the series'' own past. lower to upper: outside it this period alone is flagged. type: spike, dip, drift, level_shift, or why there is no alarm: learning, missing, partial, suppressed; NULL when there is nothing to report';

CREATE FUNCTION kpi.zscore(value float8, "window" int DEFAULT 28) RETURNS float8
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ext_zscore';
COMMENT ON FUNCTION kpi.zscore(float8, int) IS
    'Standard deviations from the mean of the last "window" values before this row (NULL, NaN and infinite ones left out); NULL while there are fewer than two. Capped at 1000, which is also the answer when those values were all alike and this one is not';

CREATE FUNCTION kpi.robust_z(value float8, "window" int DEFAULT 28) RETURNS float8
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ext_robust_z';
COMMENT ON FUNCTION kpi.robust_z(float8, int) IS
    'Like kpi.zscore with median and 1.4826 times the median absolute deviation: 0.6745 (x - median) / MAD. Outliers in the window do not blind it';

CREATE FUNCTION kpi.ratio_avg(value float8, "window" int DEFAULT 7) RETURNS float8
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ext_ratio_avg';
COMMENT ON FUNCTION kpi.ratio_avg(float8, int) IS
    'The value divided by the mean of the last "window" values before this row; NULL without such values or when their mean is 0';

CREATE FUNCTION kpi.percentile_band(value float8, lo float8 DEFAULT 0.01, hi float8 DEFAULT 0.99, "window" int DEFAULT 56) RETURNS float8
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ext_percentile_band';
COMMENT ON FUNCTION kpi.percentile_band(float8, float8, float8, int) IS
    '0 inside the band between the quantiles lo and hi of the last "window" values before this row; outside it the signed distance in widths of the band';

CREATE FUNCTION kpi.anomaly(value float8, at timestamptz, denominator float8 DEFAULT NULL, event text DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS kpi.verdict
    LANGUAGE c WINDOW STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ext_anomaly';
COMMENT ON FUNCTION kpi.anomaly(float8, timestamptz, float8, text, jsonb) IS
    'Window function, OVER (PARTITION BY segment ORDER BY at), one row a period: the verdict of a detector that has seen the rows before. denominator: trials of a rate. event: name of the calendar entry of this period. options: kind (auto, count, amount, rate, level), grain (hour, day, week, month), method, threshold, direction (both, up, down), min_history, partial (skip, compare, complete), effect of events (widen, ignore, annotate). Days and hours are those of the session''s time zone';

CREATE FUNCTION kpi._open_share(so_far float8, whole float8, pooled_so_far float8, pooled_whole float8, elapsed float8) RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'kpi_ext_open_share';
COMMENT ON FUNCTION kpi._open_share(float8, float8, float8, float8, float8) IS
    'Share of an open period that is usually there by now: a segment''s own, shrunk to that of all segments, and that to the clock''s; used by kpi.anomalies';

CREATE FUNCTION kpi._judge(value float8, at timestamptz, denominator float8, event text, effect text, share float8, options jsonb) RETURNS kpi.verdict
    LANGUAGE c WINDOW STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ext_judge';
COMMENT ON FUNCTION kpi._judge(float8, timestamptz, float8, text, text, float8, jsonb) IS 'kpi.anomaly with the effect of each calendar entry and the share of an open period (NULL: by the clock); used by kpi.detect';

CREATE FUNCTION kpi.detect(rel regclass, at name, value name, by name[] DEFAULT '{}', denominator name DEFAULT NULL, calendar regclass DEFAULT NULL, kind text DEFAULT 'auto', method text DEFAULT 'robust', grain interval DEFAULT NULL, threshold float8 DEFAULT NULL, direction text DEFAULT 'both', min_history int DEFAULT 28, partial text DEFAULT 'skip', fdr float8 DEFAULT NULL, min_impact float8 DEFAULT 0, since timestamptz DEFAULT NULL)
    RETURNS TABLE (segment jsonb, at timestamptz, value float8, expected float8, lower float8, upper float8, score float8, p float8, is_anomaly boolean, type text, impact float8, reason text)
    LANGUAGE c STABLE ROWS 1000 AS 'MODULE_PATHNAME', 'kpi_ext_detect' SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION kpi.detect(regclass, name, name, name[], name, regclass, text, text, interval, float8, text, int, text, float8, float8, timestamptz) IS
    'Judges every row of a table or view, one series for each combination of "by". One row a period; with grain (1 hour, 1 day, 1 week, 1 month) rows are summed to it first. method: robust, zscore, robust_z, ratio, percentile, weekday, tukey, stl, ewma. calendar: a relation with day and name, and perhaps effect, scope and hours, such as kpi.event_day. fdr: flag by p, so that at most this share of the alarms over the segments of a period is false (Benjamini-Hochberg). min_impact: least |value - expected| (times the denominator). Returns rows from since on, after learning from all';

CREATE FUNCTION kpi.bh(p float8[], q float8 DEFAULT 0.05) RETURNS boolean[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ext_bh';
COMMENT ON FUNCTION kpi.bh(float8[], float8) IS
    'Which of many p-values to believe so that at most the share q of the believed ones is false (Benjamini, Hochberg 1995). NULL and NaN are no tests and never believed';

CREATE FUNCTION kpi.stl("values" float8[], period int, robust boolean DEFAULT true)
    RETURNS TABLE (i int, trend float8, seasonal float8, remainder float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 365 AS 'MODULE_PATHNAME', 'kpi_ext_stl';
COMMENT ON FUNCTION kpi.stl(float8[], int, boolean) IS
    'Trend, season and remainder of a regular series by loess (Cleveland et al. 1990); NULL elements are gaps. Looks at both sides of each value: for alarms use kpi.anomaly';

CREATE FUNCTION kpi.level_shifts(at timestamptz[], "values" float8[])
    RETURNS TABLE (at timestamptz, before float8, after float8, size float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 5 AS 'MODULE_PATHNAME', 'kpi_ext_level_shifts';
COMMENT ON FUNCTION kpi.level_shifts(timestamptz[], float8[]) IS
    'Where a series moved to another level and stayed there at least five periods; size in sigmas. Looks at the whole series. Single outliers are no shifts; take the season out first (kpi.stl) when it is strong';
