-- What differs between dev, stg and prod: thresholds of rules and schedules of jobs.

CREATE TABLE kpi.threshold (
    environment text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    value       text NOT NULL,
    PRIMARY KEY (environment, name)
);
COMMENT ON TABLE kpi.threshold IS 'What the files of environments set: thresholds and schedules. Written by kpi.load_environment and kpi.drop_environment; kpi.config() shows what counts';
SELECT pg_catalog.pg_extension_config_dump('kpi.threshold', '');
GRANT SELECT ON kpi.threshold TO PUBLIC;

CREATE FUNCTION kpi.load_environment(name text, yaml text) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'kpi_ext_load_environment';
COMMENT ON FUNCTION kpi.load_environment(text, text) IS
    'Replaces the thresholds and schedules of an environment by those of its file, and returns how many it sets. What the file leaves out has its preset. Errors name the line. The setting kpi.environment chooses the environment that counts';

CREATE FUNCTION kpi.drop_environment(name text) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        WITH gone AS (DELETE FROM kpi.threshold t WHERE t.environment = drop_environment.name RETURNING 1)
        SELECT count(*) FROM gone;
    END;
COMMENT ON FUNCTION kpi.drop_environment(text) IS 'Forgets what was loaded of an environment; returns how many values that were';

CREATE FUNCTION kpi.config() RETURNS TABLE (name text, value text, source text, note text)
    LANGUAGE c STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'kpi_ext_config';
COMMENT ON FUNCTION kpi.config() IS
    'Every threshold, schedule and setting, with where its value comes from: default, environment "name", variable NAME (of the server''s environment: KPI_REFRESH_SCHEDULE, KPI_ANALYZE_AFTER_REFRESH, KPIS_PG_DSN) or setting';

CREATE FUNCTION kpi.threshold_value(name text) RETURNS numeric
    LANGUAGE c STABLE PARALLEL RESTRICTED CALLED ON NULL INPUT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'kpi_ext_threshold_value';
COMMENT ON FUNCTION kpi.threshold_value(text) IS
    'A threshold as it counts in the environment that kpi.environment names. Errors: an environment that was not loaded';

CREATE FUNCTION kpi.prometheus_rules(environment text DEFAULT NULL) RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED CALLED ON NULL INPUT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'kpi_ext_prometheus_rules';
COMMENT ON FUNCTION kpi.prometheus_rules(text) IS
    'Alerting and recording rules for Prometheus with the thresholds of an environment that was loaded; without one, with those that count here. The files prometheus/rules/*.yaml are its answers for environments/*.yaml';
REVOKE ALL ON FUNCTION kpi.load_environment(text, text), kpi.drop_environment(text), kpi.config(), kpi.threshold_value(text), kpi.prometheus_rules(text) FROM PUBLIC;
