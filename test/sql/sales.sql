-- kpi.install_sales and kpi.uninstall_sales: columns found or asked for, what is made, and that nothing is left.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set VERBOSITY default
CREATE FUNCTION whereabouts() RETURNS TABLE (object text) LANGUAGE sql AS $$
    SELECT relkind::text || ' ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'i')
     UNION ALL SELECT 'source ' || name FROM kpi.source
     UNION ALL SELECT 'metric ' || name FROM kpi.metric
     UNION ALL SELECT 'watched ' || view FROM kpi.view
     UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND c.relnamespace <> 'kpi'::regnamespace
     UNION ALL SELECT 'check ' || name FROM kpi.check
     UNION ALL SELECT 'probe ' || name FROM kpi.probe
     UNION ALL SELECT 'item ' || name FROM kpi.sales_item
     UNION ALL SELECT 'object ' || object FROM kpi.sales_object
     ORDER BY 1 $$;

-- Nothing to install on.
SELECT kpi.install_sales();
SELECT kpi.uninstall_sales();

-- Tables of usual names with other columns: every complaint names its mend, and nothing stays behind.
CREATE SCHEMA shop;
CREATE TABLE leads (id int, seen_at timestamp, called_at timestamp, country text, channel text, origin text);
SELECT kpi.install_sales();
SELECT kpi.install_sales(leads_time => 'seen');
SELECT kpi.install_sales(leads_time => 'country');
SELECT kpi.install_sales(leads_time => 'seen_at');
CREATE TABLE payments (id int, created_at timestamptz, amount money, kind text);
SELECT kpi.install_sales(leads_time => 'seen_at', leads_source => 'channel');
SELECT kpi.install_sales(leads_time => 'seen_at', leads_source => 'channel', payments_country => '', payments_source => 'kind');
SELECT kpi.install_sales(leads_time => 'seen_at', leads_source => 'channel', payments_country => '', payments_source => 'kind',
    payments_status => 'kind');
SELECT kpi.install_sales(leads_time => 'seen_at', leads_source => 'channel', succeeded => '{}');
CREATE TABLE shop.payments (id int);
SELECT kpi.install_sales();
DROP TABLE shop.payments;
CREATE VIEW a_view AS SELECT 1 AS one;
SELECT kpi.install_sales(leads => 'a_view');
CREATE ROLE sales_other;
ALTER TABLE payments OWNER TO sales_other;
SELECT kpi.install_sales();
DROP VIEW a_view;
SELECT * FROM whereabouts();
DROP TABLE leads, payments;

-- The usual pair. created_at without time zone is read in the source's zone; a country may be NULL or empty.
CREATE TABLE leads (id int PRIMARY KEY, created_at timestamp, country text, source text);
CREATE TABLE payments (id int PRIMARY KEY, created_at timestamptz, country text, source text, status text, amount numeric(12,2));
CREATE INDEX ON leads (created_at);
INSERT INTO leads SELECT n, now()::timestamp - n * interval '5 hours', (ARRAY['MX', 'ES', NULL, ''])[1 + n % 4], 'ads' FROM generate_series(1, 700) n;
INSERT INTO payments SELECT n, now() - n * interval '9 hours', (ARRAY['MX', 'ES', NULL])[1 + n % 3], (ARRAY['ads', NULL])[1 + n % 2],
       (ARRAY['succeeded', 'failed', 'paid', NULL])[1 + n % 4], n FROM generate_series(1, 400) n;
SELECT * FROM kpi.install_sales(timezone => 'America/Mexico_City');
SELECT * FROM whereabouts();
SELECT kpi.install_sales();
\d+ payment_facts
SELECT name, timezone, capture, dimensions FROM kpi.source ORDER BY 1;

-- Views made without data are building, not failed.
SELECT check_name, state, regexp_replace(message, '[0-9]+', 'N', 'g') AS message FROM kpi.run_checks();
SELECT probe_name, error IS NULL AS fine FROM kpi.run_probes();
SELECT fingerprint FROM kpi.incident WHERE state <> 'resolved' ORDER BY 1;

-- Made without data, so that nothing is held for long; built and filled by the worker or by hand.
SELECT relname, relispopulated FROM pg_class WHERE relkind = 'm' ORDER BY 1;
CALL kpi.work();
SELECT relname, relispopulated FROM pg_class WHERE relkind = 'm' ORDER BY 1;
SELECT check_name, state, regexp_replace(message, '[0-9]+', 'N', 'g') AS message FROM kpi.run_checks() WHERE check_name <> 'sales_conversion_pct';
SELECT probe_name, error IS NULL AS fine FROM kpi.run_probes();
-- An installation of before these came, in another schema than the tables': they are added. What somebody named so is left alone.
SELECT count(kpi.drop_check(name)::text) FROM kpi.check; SELECT count(kpi.drop_probe(name)::text) FROM kpi.probe;
DELETE FROM kpi.sales_item;
SELECT kpi.add_check('sales_leads_drift', 'drift', 'leads');
SELECT kpi.install_sales();
SELECT count(*) FROM kpi.check; SELECT count(*) FROM kpi.probe; SELECT count(*) FROM kpi.sales_item;
SELECT kpi.install_sales();
SELECT kpi.drop_check('sales_leads_drift'), kpi.drop_check('sales_leads_freshness');

-- Their contents against the tables.
CREATE VIEW truth_daily AS
WITH days AS (SELECT d::date AS day FROM generate_series((now() AT TIME ZONE 'America/Mexico_City')::date - 119,
                                                         (now() AT TIME ZONE 'America/Mexico_City')::date, interval '1 day') d),
l AS (SELECT created_at::date AS day, count(*) AS leads FROM leads GROUP BY 1),
p AS (SELECT (created_at AT TIME ZONE 'America/Mexico_City')::date AS day, count(*) AS payments,
             count(*) FILTER (WHERE status IN ('succeeded', 'paid')) AS succeeded,
             coalesce(sum(amount) FILTER (WHERE status IN ('succeeded', 'paid')), 0) AS revenue FROM payments GROUP BY 1)
SELECT day, coalesce(leads, 0) AS leads, coalesce(payments, 0) AS payments, coalesce(succeeded, 0) AS succeeded, coalesce(revenue, 0) AS revenue
  FROM days LEFT JOIN l USING (day) LEFT JOIN p USING (day);
CREATE FUNCTION differences() RETURNS TABLE (view text, different bigint) LANGUAGE sql AS $$
    SELECT 'mv_kpi_daily', count(*) FROM truth_daily t FULL JOIN mv_kpi_daily m USING (day)
     WHERE (t.leads, t.payments, t.succeeded, t.revenue, round(100.0 * t.succeeded / nullif(t.leads, 0), 6), round(100.0 * t.succeeded / nullif(t.payments, 0), 6))
           IS DISTINCT FROM (m.leads, m.payments, m.payments_succeeded, m.revenue, round(m.conversion_pct, 6), round(m.payments_success_rate, 6))
     UNION ALL
    SELECT 'mv_kpi_timeseries_90d', count(*)
      FROM (SELECT t.*, lag(revenue, 7) OVER (ORDER BY day) AS week_before FROM truth_daily t) t
      FULL JOIN mv_kpi_timeseries_90d m ON m.day = t.day AND m.metric = 'revenue'
     WHERE CASE WHEN t.day > (now() AT TIME ZONE 'America/Mexico_City')::date - 90
                THEN (t.revenue, t.week_before) IS DISTINCT FROM (m.value, m.week_before) AND m.is_complete IS NOT FALSE ELSE m.day IS NOT NULL END
       AND (m.metric = 'revenue' OR m.metric IS NULL)
     UNION ALL
    SELECT 'mv_kpi_daily_segment', count(*)
      FROM (SELECT day, sum(leads) AS leads, sum(payments) AS payments, sum(payments_succeeded) AS succeeded, sum(revenue) AS revenue
              FROM mv_kpi_daily_segment GROUP BY 1) m FULL JOIN truth_daily t USING (day)
     WHERE (t.leads, t.payments, t.succeeded, t.revenue)
           IS DISTINCT FROM (coalesce(m.leads, 0), coalesce(m.payments, 0), coalesce(m.succeeded, 0), coalesce(m.revenue, 0)) $$;
SELECT count(*) > 50 AS has_days FROM truth_daily WHERE leads > 0 AND revenue > 0;
SELECT * FROM differences();
SELECT count(*) FILTER (WHERE country IS NULL OR source IS NULL) AS nulls, string_agg(DISTINCT country, ' ' ORDER BY country) AS countries,
       string_agg(DISTINCT source, ' ' ORDER BY source) AS sources FROM mv_kpi_daily_segment;
SELECT metric, count(*) FROM mv_kpi_timeseries_90d GROUP BY 1 ORDER BY 1;

-- Live changes, refreshed CONCURRENTLY: the unique indexes serve.
INSERT INTO leads VALUES (1001, now() AT TIME ZONE 'America/Mexico_City', 'AR', 'mail');
UPDATE payments SET status = 'paid' WHERE status IS NULL;
DELETE FROM payments WHERE id % 10 = 0;
SELECT sum(different) > 0 AS stale FROM differences();
CALL kpi.work();
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_kpi_daily;
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_kpi_timeseries_90d;
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_kpi_daily_segment;
SELECT * FROM differences();
SELECT * FROM kpi.verify('leads') UNION ALL SELECT * FROM kpi.verify('payments');

-- Somebody uses it: refused, and nothing is half undone. Then not.
SELECT kpi.define('revenue_per_lead', 'revenue / leads');
SELECT kpi.uninstall_sales();
SELECT count(*) FROM mv_kpi_daily;
SELECT kpi.undefine('revenue_per_lead');
SELECT kpi.uninstall_sales();
DROP VIEW truth_daily CASCADE;
SELECT * FROM whereabouts();

-- Names of your own, an enum, a float, a partitioned table, only payments, another schema.
DROP TABLE leads, payments;
CREATE TYPE outcome AS ENUM ('OK', 'KO');
CREATE TABLE "Sales" (day date NOT NULL, "Result" outcome, eur float8, land int) PARTITION BY RANGE (day);
CREATE TABLE sales_2026 PARTITION OF "Sales" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE sales_old PARTITION OF "Sales" DEFAULT;
SELECT * FROM kpi.install_sales(payments => '"Sales"', schema => 'shop', timezone => 'UTC', payments_country => 'land', payments_source => '',
    payments_status => 'Result', payments_amount => 'eur', succeeded => '{OK}');
INSERT INTO "Sales" VALUES ('2026-03-01', 'OK', 0.1, 34), ('2026-03-01', 'OK', 0.2, 34), ('2026-03-01', 'KO', 5, 1), ('2025-03-01', 'OK', 7, NULL);
CALL kpi.work();
SELECT day, metric, value FROM kpi.query('{payments,payments_succeeded,revenue,payments_success_rate}', '2026-03-01', '2026-03-01');
SELECT day, country, source, payments, revenue FROM kpi_data.payments_daily ORDER BY 1, 2, 3;
\d shop.mv_kpi_daily
SELECT kpi.uninstall_sales();
SELECT * FROM whereabouts();

-- Statuses that never match: said, with what there is. Leads have a priority.
DROP TABLE "Sales";
CREATE TABLE leads (created_at timestamptz, country text, source text, priority int);
CREATE TABLE payments (created_at timestamptz, country text, source text, status int, amount numeric);
INSERT INTO leads SELECT now(), 'MX', 'web', 1 + n % 3 FROM generate_series(1, 9) n;
INSERT INTO leads VALUES (now(), 'MX', 'web', NULL);
INSERT INTO payments SELECT '2026-05-05 12:00+00', 'MX', 'web', 1 + n % 2, 10 FROM generate_series(1, 50) n;
SELECT count(*) FROM kpi.install_sales(timezone => 'UTC');
CALL kpi.work();
SELECT segment, value FROM kpi.query('{leads}', '2d', by => '{priority}', grain => 'total') ORDER BY segment;
REFRESH MATERIALIZED VIEW mv_kpi_daily_segment;
SELECT country, source, sum(leads) AS leads, count(*) FROM mv_kpi_daily_segment WHERE leads > 0 GROUP BY 1, 2;
SELECT kpi.uninstall_sales();
ALTER TABLE payments ALTER status TYPE text USING CASE status WHEN 1 THEN 'Paid' WHEN 2 THEN 'failed' END;
SELECT count(*) FROM kpi.install_sales(timezone => 'UTC', leads_priority => '');
SELECT name, dimensions FROM kpi.source ORDER BY 1;
SELECT kpi.uninstall_sales();

-- Currencies: the only one, one of several, all as they are; never several without a choice.
ALTER TABLE payments ADD currency char(3);
SELECT count(*) FROM kpi.install_sales(timezone => 'UTC', succeeded => '{Paid}', currency => 'EUR', payments_currency => '');
UPDATE payments SET currency = 'EUR';
SELECT count(*) FROM kpi.install_sales(timezone => 'UTC', succeeded => '{Paid}');
INSERT INTO payments VALUES ('2026-05-05 13:00+00', 'MX', 'web', 'Paid', 1000, 'MXN'), ('2026-05-05 13:00+00', 'MX', 'web', 'Paid', 1, NULL);
CALL kpi.work();
SELECT metric, value FROM kpi.query('{payments_succeeded,revenue,payments_other_currency}', '2026-05-05', '2026-05-05');
SELECT kpi.uninstall_sales();
SELECT count(*) FROM kpi.install_sales(timezone => 'UTC', succeeded => '{Paid}');
SELECT count(*) FROM kpi.install_sales(timezone => 'UTC', succeeded => '{Paid}', currency => '*');
CALL kpi.work();
SELECT segment, value FROM kpi.query('{revenue}', '2026-05-05', '2026-05-05', by => '{currency}') ORDER BY segment;
SELECT * FROM kpi.verify('payments');
SELECT kpi.uninstall_sales();
TRUNCATE payments;
SELECT count(*) FROM kpi.install_sales(timezone => 'UTC', succeeded => '{Paid}');
DROP TABLE leads, payments;

-- All that is missing at once.
CREATE TABLE leads (id int);
CREATE TABLE payments (created_at timestamptz, status text);
SELECT kpi.install_sales();
DROP TABLE leads, payments;

-- A plain role with its own tables, and one that may not take them away.
CREATE ROLE sales_owner;
GRANT USAGE ON SCHEMA kpi, kpi_data TO sales_owner;
GRANT EXECUTE ON FUNCTION kpi.install_sales, kpi.uninstall_sales TO sales_owner, sales_other;
CREATE SCHEMA owned AUTHORIZATION sales_owner;
SET ROLE sales_owner;
CREATE TABLE owned.leads (created_at timestamptz, country text, source text);
SELECT count(*) FROM kpi.install_sales(timezone => 'UTC');
INSERT INTO owned.leads VALUES ('2026-05-05 12:00+00', 'ES', 'x');
SELECT day, value FROM kpi.query('{leads}', '2026-05-05', '2026-05-05');
SELECT pg_get_userbyid(relowner) AS owner, relname FROM pg_class WHERE relnamespace = 'owned'::regnamespace AND relkind IN ('v', 'm') ORDER BY 2;
RESET ROLE;
SET ROLE sales_other;
SELECT kpi.uninstall_sales();
RESET ROLE;
SELECT kpi.uninstall_sales();
DROP OWNED BY sales_owner, sales_other;
DROP ROLE sales_owner, sales_other;
