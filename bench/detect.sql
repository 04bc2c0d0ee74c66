-- Speed of detection in SQL: the window functions over 1,000,000 rows beside the same z-score in plain SQL, and kpi.detect over
-- 1000 segments x 400 days. Each statement runs three times, in turn.
--   usage: make server, then  psql ... -f bench/detect.sql   (make psql < bench/detect.sql)
\set ON_ERROR_STOP 1
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '512MB';
SET timezone = 'UTC';
CREATE TEMP TABLE long AS
SELECT '2020-01-01'::timestamptz + i * interval '1 day' AS at, s AS segment, round(3000 + 300 * sin(i) + 55 * (random() + random() + random() - 1.5)) AS value
  FROM generate_series(1, 1000) i, generate_series(1, 1000) s ORDER BY s, i;
CREATE TEMP TABLE wide AS SELECT * FROM long WHERE at < '2021-02-05';
ANALYZE long, wide;
\timing on
\set zscore_sql 'SELECT count(z) FROM (SELECT (value - avg(value) OVER w) / nullif(stddev_samp(value) OVER w, 0) z FROM long WINDOW w AS (PARTITION BY segment ORDER BY at ROWS BETWEEN 28 PRECEDING AND 1 PRECEDING)) x;'
\set zscore_kpi 'SELECT count(z) FROM (SELECT kpi.zscore(value) OVER (PARTITION BY segment ORDER BY at) z FROM long) x;'
\set robust_z 'SELECT count(z) FROM (SELECT kpi.robust_z(value) OVER (PARTITION BY segment ORDER BY at) z FROM long) x;'
\set anomaly 'SELECT count((v).score) FROM (SELECT kpi.anomaly(value, at) OVER (PARTITION BY segment ORDER BY at) v FROM long) x;'
\set sort_only 'SELECT count(z) FROM (SELECT row_number() OVER (PARTITION BY segment ORDER BY at) z FROM long) x;'
\set detect 'SELECT count(*) FILTER (WHERE is_anomaly) FROM kpi.detect(''wide'', ''at'', ''value'', ''{segment}'');'
\echo z-score in plain SQL
:zscore_sql :zscore_sql :zscore_sql
\echo kpi.zscore
:zscore_kpi :zscore_kpi :zscore_kpi
\echo kpi.robust_z
:robust_z :robust_z :robust_z
\echo kpi.anomaly
:anomaly :anomaly :anomaly
\echo the sort and the scan alone (row_number)
:sort_only :sort_only :sort_only
\echo kpi.detect, 1000 segments x 400 days
:detect :detect :detect
