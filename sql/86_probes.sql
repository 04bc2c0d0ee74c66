-- Probes: queries whose time and plan are watched, run by the steward.

CREATE TABLE kpi.probe (
    name       text COLLATE "C" PRIMARY KEY CHECK (name <> '' AND pg_catalog.octet_length(name) < 64),
    sql        text NOT NULL,
    slow       interval NOT NULL CHECK (slow > interval '0'),
    every      interval NOT NULL CHECK (every >= interval '1 second'),
    severity   text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    sinks      text[] NOT NULL DEFAULT '{}',
    enabled    boolean NOT NULL DEFAULT true,
    owner      regrole NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE kpi.probe IS 'Timed queries. Written by kpi.add_probe, kpi.alter_probe and kpi.drop_probe';
COMMENT ON COLUMN kpi.probe.slow IS 'A run that takes longer is slow: it is logged, and two in a row open an incident';
COMMENT ON COLUMN kpi.probe.owner IS 'The role whose rights run the query';

CREATE TABLE kpi.probe_state (
    name        text COLLATE "C" PRIMARY KEY,
    ran_at      timestamptz,
    slow_in_row integer NOT NULL DEFAULT 0,
    plan_hash   text,
    due_at      timestamptz NOT NULL DEFAULT '-infinity',
    begun_at    timestamptz,
    begun_by    integer
);
COMMENT ON TABLE kpi.probe_state IS 'When each probe is due, and what it was like last';
COMMENT ON COLUMN kpi.probe_state.begun_at IS 'Set while it runs (begun_by: the process): what remains here ended the process';

CREATE TABLE kpi.probe_run (
    name         text COLLATE "C" NOT NULL,
    at           timestamptz NOT NULL,
    milliseconds float8,
    rows         bigint,
    slow         boolean NOT NULL,
    plan_hash    text,
    plan_changed boolean NOT NULL DEFAULT false,
    error        text
);
CREATE INDEX probe_run_name ON kpi.probe_run (name, at);
CREATE INDEX probe_run_at ON kpi.probe_run (at);
COMMENT ON TABLE kpi.probe_run IS 'Every run of every probe, kept for kpi.check_retention days; yours are shown';
COMMENT ON COLUMN kpi.probe_run.milliseconds IS 'Planning and execution, without sending the rows; NULL: it failed';
COMMENT ON COLUMN kpi.probe_run.plan_changed IS 'The plan is another one than that of the run before: compare them in kpi.probe_plan';

CREATE TABLE kpi.probe_plan (
    name     text COLLATE "C" NOT NULL,
    hash     text NOT NULL,
    plan     json NOT NULL,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    PRIMARY KEY (name, hash)
);
COMMENT ON TABLE kpi.probe_plan IS 'The plans that each probe had, as EXPLAIN gives them without costs; yours are shown';

SELECT pg_catalog.pg_extension_config_dump('kpi.probe', '');

ALTER TABLE kpi.probe ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.probe FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));
ALTER TABLE kpi.probe_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.probe_run FOR SELECT USING (EXISTS (SELECT FROM kpi.probe p WHERE p.name = probe_run.name));
ALTER TABLE kpi.probe_plan ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.probe_plan FOR SELECT USING (EXISTS (SELECT FROM kpi.probe p WHERE p.name = probe_plan.name));

CREATE VIEW kpi.probe_stats WITH (security_barrier) AS
SELECT p.name, p.enabled, p.slow AS slow_above, p.every, r.runs, r.failed, r.slow, r.min, r.median, r.p95, r.max, l.milliseconds AS last, l.at AS last_at, r.plan_changed_at
  FROM kpi.probe p
 CROSS JOIN LATERAL (
       SELECT pg_catalog.count(*) AS runs, pg_catalog.count(*) FILTER (WHERE x.milliseconds IS NULL) AS failed, pg_catalog.count(*) FILTER (WHERE x.slow) AS slow,
              pg_catalog.min(x.milliseconds) AS min, pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY x.milliseconds) AS median,
              pg_catalog.percentile_cont(0.95) WITHIN GROUP (ORDER BY x.milliseconds) AS p95, pg_catalog.max(x.milliseconds) AS max,
              pg_catalog.max(x.at) FILTER (WHERE x.plan_changed) AS plan_changed_at
         FROM kpi.probe_run x WHERE x.name = p.name) r
  LEFT JOIN LATERAL (SELECT x.milliseconds, x.at FROM kpi.probe_run x WHERE x.name = p.name ORDER BY x.at DESC LIMIT 1) l ON true
 WHERE kpi._may_watch((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), p.owner);
COMMENT ON VIEW kpi.probe_stats IS 'Each probe over the runs that are kept: least, median, 95th percentile, greatest and last time in milliseconds, how many were slow or failed, when its plan last changed. For kpi_reader too';

CREATE FUNCTION kpi.add_probe(name text, sql text, every interval DEFAULT '30 minutes', slow interval DEFAULT '500 ms', severity text DEFAULT 'warning', sinks text[] DEFAULT '{}')
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_add_probe';
COMMENT ON FUNCTION kpi.add_probe(text, text, interval, interval, text, text[]) IS
    'Has a query timed: one SELECT, run as you and read-only, its rows thrown away. One that takes longer than slow is logged; after two in a row an incident opens, which the next fast one resolves. Names need their schema';

CREATE FUNCTION kpi.alter_probe(name text, sql text DEFAULT NULL, every interval DEFAULT NULL, slow interval DEFAULT NULL, severity text DEFAULT NULL, sinks text[] DEFAULT NULL,
                                enabled boolean DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_alter_probe';
COMMENT ON FUNCTION kpi.alter_probe(text, text, interval, interval, text, text[], boolean) IS 'Changes what is not NULL. It is due at once';

CREATE FUNCTION kpi.drop_probe(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_drop_probe';
COMMENT ON FUNCTION kpi.drop_probe(text) IS 'Removes a probe with its history; its incident is resolved';

CREATE FUNCTION kpi.run_probes(name text DEFAULT NULL) RETURNS TABLE (probe_name text, milliseconds float8, rows bigint, slow boolean, plan_changed boolean, error text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_run_probes';
COMMENT ON FUNCTION kpi.run_probes(text) IS 'Runs one probe, or all that are enabled and that you may run, now, each as its owner with kpi.check_timeout; what follows is what follows when the steward runs them';

REVOKE ALL ON FUNCTION kpi.add_probe(text, text, interval, interval, text, text[]), kpi.alter_probe(text, text, interval, interval, text, text[], boolean), kpi.drop_probe(text),
    kpi.run_probes(text) FROM PUBLIC;
