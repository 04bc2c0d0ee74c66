-- The sales pack: KPIs of a table of leads and a table of payments, ready-made.

CREATE TABLE kpi.sales_object (
    object regclass PRIMARY KEY,
    kind   text NOT NULL CHECK (kind IN ('facts view', 'materialized view'))
);
COMMENT ON TABLE kpi.sales_object IS 'What kpi.install_sales made, for kpi.uninstall_sales';
SELECT pg_catalog.pg_extension_config_dump('kpi.sales_object', '');
CREATE TABLE kpi.sales_item (
    kind text NOT NULL CHECK (kind IN ('rule', 'check', 'probe')),
    name text NOT NULL,
    PRIMARY KEY (kind, name)
);
COMMENT ON TABLE kpi.sales_item IS 'Rules, checks and probes that kpi.install_sales added, for kpi.uninstall_sales; what you changed or dropped since stays so';
SELECT pg_catalog.pg_extension_config_dump('kpi.sales_item', '');
GRANT SELECT ON kpi.sales_object TO PUBLIC;

CREATE FUNCTION kpi.install_sales(leads regclass DEFAULT NULL, payments regclass DEFAULT NULL, timezone text DEFAULT NULL,
    schema name DEFAULT NULL, leads_time name DEFAULT NULL, leads_country name DEFAULT NULL, leads_source name DEFAULT NULL,
    payments_time name DEFAULT NULL, payments_country name DEFAULT NULL, payments_source name DEFAULT NULL,
    payments_status name DEFAULT NULL, payments_amount name DEFAULT NULL, succeeded text[] DEFAULT '{succeeded,paid}',
    leads_priority name DEFAULT NULL, payments_currency name DEFAULT NULL, currency text DEFAULT NULL)
    RETURNS SETOF text
    LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_install_sales';
COMMENT ON FUNCTION kpi.install_sales(regclass, regclass, text, name, name, name, name, name, name, name, name, name, text[], name, name, text) IS
    'KPIs of leads and payments in one call: facts views, sources, the metrics leads, payments, payments_succeeded, revenue, conversion_pct, payments_success_rate and revenue_null_pct, the materialized views mv_kpi_daily, mv_kpi_timeseries_90d and mv_kpi_daily_segment, checks and probes. On an installation that lacks these it adds them. Without arguments it takes your tables named leads and payments; columns are found by their usual names; '''' for a country, source, priority or currency does without. Leads have a dimension priority where the table has one. With a currency column revenue counts one currency: the only one in the table, or the one given as currency; ''*'' adds all as they are, with the currency as a dimension. Makes no index on your tables: returns the CREATE INDEX CONCURRENTLY statements that would help. Needs the role that owns the tables';
REVOKE ALL ON FUNCTION kpi.install_sales(regclass, regclass, text, name, name, name, name, name, name, name, name, name, text[], name, name, text) FROM PUBLIC;

CREATE FUNCTION kpi.uninstall_sales() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_uninstall_sales';
COMMENT ON FUNCTION kpi.uninstall_sales() IS
    'Removes what kpi.install_sales made. Refused while other metrics or views use it; your tables stay as they are';
REVOKE ALL ON FUNCTION kpi.uninstall_sales() FROM PUBLIC;
