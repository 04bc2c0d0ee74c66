-- Reading: metrics, kpi.query and its forms. Reading functions are STABLE (one snapshot), write nothing, work on a standby.

CREATE FUNCTION kpi.define(metric text, formula text, unit text DEFAULT NULL, good text DEFAULT 'up', description text DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_define';
COMMENT ON FUNCTION kpi.define(text, text, text, text, text) IS
    'Defines or replaces a metric: an immutable SQL expression over names of measures and metrics, and percentile(x, 0.95), median(x) and share_below(x, 15) of measures of percentiles. A division by 0 gives NULL. good: up, down or none. Needs a role that owns every facts view it reads';
REVOKE ALL ON FUNCTION kpi.define(text, text, text, text, text) FROM PUBLIC;

CREATE FUNCTION kpi.undefine(metric text)
    RETURNS void LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_undefine';
COMMENT ON FUNCTION kpi.undefine(text) IS 'Removes a metric. Refused while other metrics use it, and for the metrics that measures have by themselves';
REVOKE ALL ON FUNCTION kpi.undefine(text) FROM PUBLIC;

CREATE FUNCTION kpi.set_unit(metric text, unit text DEFAULT NULL, currency text DEFAULT NULL, decimals int DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_set_unit';
COMMENT ON FUNCTION kpi.set_unit(text, text, text, int) IS
    'How a metric is shown, also one that a measure has by itself: its unit, for money its currency (ISO 4217, which is the unit where none is given), and how many decimals reports show. NULL: none of its own. kpi.define with the same unit keeps the rest. Needs the role that owns the metric';
CREATE FUNCTION kpi.set_target(metric text, value numeric, first_day date, last_day date, segment jsonb DEFAULT '{}')
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS 'MODULE_PATHNAME', 'kpi_ext_set_target';
COMMENT ON FUNCTION kpi.set_target(text, numeric, date, date, jsonb) IS
    'What a metric is to reach between two days, both included, for a segment given like the filters of kpi.query. Where days add up, of the whole period, shared out by usual weekdays; else of each day. The same days again replace it, a value of NULL removes it, other days that overlap are refused. Needs the role that owns the metric';
REVOKE ALL ON FUNCTION kpi.set_unit(text, text, text, int), kpi.set_target(text, numeric, date, date, jsonb) FROM PUBLIC;

-- kpi.query is a query over these two, which PostgreSQL puts in its place: a column that nobody asks for is not computed.
CREATE FUNCTION kpi._query(metrics text[], start_at text, end_at text, filters jsonb, by name[], grain text, order_by text, top int,
                           compare text, max_rows int, show text[])
    RETURNS TABLE (bucket timestamptz, day date, segment jsonb, metric text, value numeric, compared numeric, is_complete boolean,
                   elapsed_fraction float8, as_of timestamptz, share numeric, running numeric, average numeric)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_query';
COMMENT ON FUNCTION kpi._query(text[], text, text, jsonb, name[], text, text, int, text, int, text[]) IS
    'Internal: the rows of kpi.query, without expected_so_far';

CREATE FUNCTION kpi._expected_so_far(metrics text[], start_at text, end_at text, filters jsonb, by name[], grain text, order_by text, top int,
                                     bucket timestamptz, metric text, segment jsonb)
    RETURNS numeric LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_expected_so_far';
COMMENT ON FUNCTION kpi._expected_so_far(text[], text, text, jsonb, name[], text, text, int, timestamptz, text, jsonb) IS
    'Internal: expected_so_far of an open row of kpi.query';

CREATE FUNCTION kpi.query(metrics text[] DEFAULT NULL, start_at text DEFAULT '7d', end_at text DEFAULT NULL, filters jsonb DEFAULT '{}',
                          by name[] DEFAULT '{}', grain text DEFAULT 'day', compare text DEFAULT NULL, max_rows int DEFAULT 1000,
                          order_by text DEFAULT NULL, top int DEFAULT NULL, show text[] DEFAULT '{}', expected boolean DEFAULT true)
    RETURNS TABLE (bucket timestamptz, day date, segment jsonb, metric text, value numeric, compared numeric, is_complete boolean,
                   elapsed_fraction float8, expected_so_far numeric, as_of timestamptz, share numeric, running numeric, average numeric)
    LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000
BEGIN ATOMIC
    SELECT q.bucket, q.day, q.segment, q.metric, q.value, q.compared, q.is_complete, q.elapsed_fraction,
           CASE WHEN expected IS NOT FALSE AND NOT q.is_complete
                THEN kpi._expected_so_far(metrics, start_at, end_at, filters, by, grain, order_by, top, q.bucket, q.metric, q.segment) END,
           q.as_of, q.share, q.running, q.average
      FROM kpi._query(metrics, start_at, end_at, filters, by, grain, order_by, top, compare, max_rows, show) q;
END;
COMMENT ON FUNCTION kpi.query(text[], text, text, jsonb, name[], text, text, int, text, int, text[], boolean) IS
    'Values of metrics (default: all readable ones) by bucket and segment, exact at the snapshot. start_at: today, yesterday, 7d, 12w, 6m, wtd, mtd, qtd, ytd, last_week, last_month, last_quarter, last_year, ISO date or timestamp; end_at: date (inclusive) or timestamp (exclusive). grain: hour, day, week, month, quarter, year, total. compare: previous, same_weekday, week, month, year; an open bucket is compared up to the same local time. order_by: bucket, segment, metric, value, compared or change, with desc; top: so many segments, the rest as "others"; show: share, running, avg7; expected_so_far costs only who selects it, nobody with expected => false. See docs/querying.md';

CREATE FUNCTION kpi.value(metric text, at timestamptz DEFAULT now(), segment jsonb DEFAULT '{}', grain text DEFAULT 'day')
    RETURNS numeric LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_value';
COMMENT ON FUNCTION kpi.value(text, timestamptz, jsonb, text) IS 'One value: the metric in the bucket that holds an instant, for a segment given like the filters of kpi.query';

CREATE FUNCTION kpi.rolling(metric text, length interval DEFAULT '60 minutes', at timestamptz DEFAULT NULL, segment jsonb DEFAULT '{}')
    RETURNS numeric LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_rolling';
COMMENT ON FUNCTION kpi.rolling(text, interval, timestamptz, jsonb) IS
    'One value: the metric over the length that ends with an instant (default: now), to the microsecond. Whole hours come from the rollup, the minutes before and after them from the facts view through its time index; with window capture they are shared out by the clock. segment: like the filters of kpi.query';

CREATE FUNCTION kpi.recent(source text, n int DEFAULT 20, filters jsonb DEFAULT '{}')
    RETURNS TABLE (at timestamptz, segment jsonb, measures jsonb)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 20 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_recent';
COMMENT ON FUNCTION kpi.recent(text, int, jsonb) IS
    'The newest rows of a facts view, newest first, at most 1000, read with your rights; rows dated in the future are left out. Needs an index on the time column to be quick, of any number of rows. filters: as of kpi.query, looked for among the newest 2000 rows';

CREATE FUNCTION kpi.query_json(metric text DEFAULT NULL, start_date text DEFAULT '7d', end_date text DEFAULT NULL, country text DEFAULT NULL,
                               source text DEFAULT NULL, aggregate text DEFAULT 'daily', "limit" int DEFAULT 1000, filters jsonb DEFAULT '{}')
    RETURNS jsonb LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_query_json';
COMMENT ON FUNCTION kpi.query_json(text, text, text, text, text, text, int, jsonb) IS
    'kpi.query for HTTP: {"data": [rows], "params": arguments as given, "count": rows, "truncated": cut at limit, "start_date": first day, "end_date": last day}. country and source filter dimensions of these names, filters any other; aggregate: hourly, daily, weekly, monthly, quarterly, yearly, total';

CREATE FUNCTION kpi.summary(filters jsonb DEFAULT '{}')
    RETURNS TABLE (metric text, unit text, good text, day date, today numeric, today_elapsed float8, today_expected numeric,
                   last_week_so_far numeric, last_week numeric, yesterday numeric, yesterday_before numeric, yesterday_change numeric,
                   days_7 numeric, days_7_before numeric, days_7_change numeric, days_30 numeric, days_30_before numeric,
                   days_30_change numeric, as_of timestamptz)
    LANGUAGE sql STABLE PARALLEL RESTRICTED COST 50000
BEGIN ATOMIC
WITH recent AS MATERIALIZED (
    SELECT q.*, row_number() OVER (PARTITION BY q.metric ORDER BY q.day DESC) AS back
      FROM kpi.query(NULL, '8d', 'today', summary.filters, compare => 'same_weekday', max_rows => NULL) q
), week AS MATERIALIZED (
    SELECT * FROM kpi.query(NULL, '7d', 'yesterday', summary.filters, grain => 'total', compare => 'previous', max_rows => NULL, expected => false)
), month AS MATERIALIZED (
    SELECT * FROM kpi.query(NULL, '30d', 'yesterday', summary.filters, grain => 'total', compare => 'previous', max_rows => NULL)
)
SELECT m.name, m.unit, m.good, t.day, t.value, t.elapsed_fraction, t.expected_so_far, t.compared, l.value,
       y.value, y.compared, round(100 * (y.value - y.compared) / nullif(abs(y.compared), 0), 1),
       w.value, w.compared, round(100 * (w.value - w.compared) / nullif(abs(w.compared), 0), 1),
       p.value, p.compared, round(100 * (p.value - p.compared) / nullif(abs(p.compared), 0), 1), t.as_of
  FROM recent t
  JOIN kpi.metric m ON m.name = t.metric
  JOIN recent y ON y.metric = t.metric AND y.back = 2
  JOIN recent l ON l.metric = t.metric AND l.back = 8
  JOIN week w ON w.metric = t.metric
  JOIN month p ON p.metric = t.metric
 WHERE t.back = 1
 ORDER BY m.name;
END;
COMMENT ON FUNCTION kpi.summary(jsonb) IS
    'A digest, one row per readable metric that has the dimensions of filters (as in kpi.query). today: so far, with the elapsed share of the day and what the same weekdays had by now (today_expected: median; last_week_so_far: a week ago); last_week: that whole day; yesterday and yesterday_before: against its weekday a week earlier; days_7, days_30: full days up to yesterday, against as many days before. Changes in percent';
