-- Data quality: checks of sources, tables and views, run by the steward (a process of its own), their history and their incidents.

CREATE TABLE kpi.check (
    name        text COLLATE "C" PRIMARY KEY CHECK (name <> '' AND pg_catalog.octet_length(name) < 64),
    kind        text NOT NULL CHECK (kind IN ('freshness', 'missing_periods', 'volume', 'null_rate', 'range', 'uniqueness', 'referential',
                'accepted_values', 'view_size', 'drift', 'schema', 'custom_sql', 'capture_errors')),
    source      text,
    relation    regclass,
    column_name name,
    parameters  jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(parameters) = 'object'),
    severity    text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    sinks       text[] NOT NULL DEFAULT '{}',
    every       interval NOT NULL CHECK (every >= interval '1 second'),
    enabled     boolean NOT NULL DEFAULT true,
    owner       regrole NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE kpi.check IS 'Checks of data quality. Written by kpi.add_check, kpi.alter_check and kpi.drop_check';
COMMENT ON COLUMN kpi.check.source IS 'Whose data it judges: while it fails, the rules of this source keep quiet. NULL: of none';
COMMENT ON COLUMN kpi.check.relation IS 'What it reads; NULL: the facts view or the rollups of the source';
COMMENT ON COLUMN kpi.check.parameters IS 'Limits and window; docs/quality.md has them by kind';
COMMENT ON COLUMN kpi.check.every IS 'How often the steward runs it';
COMMENT ON COLUMN kpi.check.owner IS 'The role whose rights read the data';

CREATE TABLE kpi.check_state (
    name      text COLLATE "C" PRIMARY KEY,
    state     text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'ok', 'failing', 'error', 'building')),
    message   text,
    since     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ran_at    timestamptz,
    due_at    timestamptz NOT NULL DEFAULT '-infinity',
    begun_at  timestamptz,
    begun_by  integer
);
COMMENT ON TABLE kpi.check_state IS 'What each check found last, and when it is due';
COMMENT ON COLUMN kpi.check_state.begun_at IS 'Set while it runs (begun_by: the process): what remains here ended the process';

CREATE TABLE kpi.check_result (
    name     text COLLATE "C" NOT NULL,
    at       timestamptz NOT NULL,
    state    text NOT NULL,
    value    float8,
    message  text NOT NULL,
    read     text,
    duration interval NOT NULL,
    sample   jsonb
);
CREATE INDEX check_result_name ON kpi.check_result (name, at);
CREATE INDEX check_result_at ON kpi.check_result (at);
COMMENT ON TABLE kpi.check_result IS 'Every run of every check, kept for kpi.check_retention days; yours are shown';
COMMENT ON COLUMN kpi.check_result.value IS 'What was measured: seconds, rows, percent or a ratio, by kind';
COMMENT ON COLUMN kpi.check_result.read IS 'window (rows of a period, by the time column), rollup, sample, catalog or everything (a scan)';
COMMENT ON COLUMN kpi.check_result.sample IS 'Some of the rows that failed; none where a sensitive column was read';

CREATE TABLE kpi.sensitive_column (
    relation    regclass NOT NULL,
    column_name name NOT NULL,
    PRIMARY KEY (relation, column_name)
);
COMMENT ON TABLE kpi.sensitive_column IS 'Columns whose values must never be kept as samples. Written by kpi.mark_sensitive';

SELECT pg_catalog.pg_extension_config_dump('kpi.check', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.sensitive_column', '');
GRANT SELECT ON kpi.sensitive_column TO PUBLIC;

ALTER TABLE kpi.check ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.check FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));
ALTER TABLE kpi.check_result ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.check_result FOR SELECT USING (EXISTS (SELECT FROM kpi.check c WHERE c.name = check_result.name));

CREATE VIEW kpi.check_status WITH (security_barrier) AS
SELECT c.name, c.kind, c.source, c.severity, c.enabled, coalesce(s.state, 'new') AS state, s.since, s.ran_at, c.every,
       CASE WHEN kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), c.owner) THEN s.message END AS message
  FROM kpi.check c LEFT JOIN kpi.check_state s ON s.name = c.name
 WHERE kpi._may_watch((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), c.owner);
COMMENT ON VIEW kpi.check_status IS 'Each check with what it found last; kpi_reader sees states, not messages. building: the view or source that it reads is not filled yet, which is no failure';

CREATE FUNCTION kpi.add_check(name text, kind text, source text DEFAULT NULL, relation regclass DEFAULT NULL, column_name name DEFAULT NULL,
                              parameters jsonb DEFAULT '{}', severity text DEFAULT 'warning', sinks text[] DEFAULT '{}', every interval DEFAULT '15 minutes')
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_add_check';
COMMENT ON FUNCTION kpi.add_check(text, text, text, regclass, name, jsonb, text, text[], interval) IS
    'Adds a check of data quality, which runs as you. kind: freshness, missing_periods, volume, null_rate, range, uniqueness, referential, accepted_values, view_size, drift, schema, custom_sql or capture_errors; its parameters are in docs/quality.md. While a check of a source fails, one incident is open and, unless its severity is info, the rules of the source keep quiet: that needs the owner of the source. A check of the table behind a source of yours is one of that source';

CREATE FUNCTION kpi.alter_check(name text, parameters jsonb DEFAULT NULL, severity text DEFAULT NULL, sinks text[] DEFAULT NULL,
                                every interval DEFAULT NULL, enabled boolean DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_alter_check';
COMMENT ON FUNCTION kpi.alter_check(text, jsonb, text, text[], interval, boolean) IS
    'Changes what is not NULL. parameters are laid over the present ones; one that is null goes back to its default. It is due at once';

CREATE FUNCTION kpi.drop_check(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_drop_check';
COMMENT ON FUNCTION kpi.drop_check(text) IS 'Removes a check and its history; its incident is resolved unless another check keeps it open';

CREATE FUNCTION kpi.run_checks(name text DEFAULT NULL) RETURNS TABLE (check_name text, state text, message text, value float8, duration interval)
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_run_checks';
COMMENT ON FUNCTION kpi.run_checks(text) IS
    'Runs one check, or all that are enabled and that you may run, now, each as its owner with kpi.check_timeout; incidents are opened and resolved as the steward does it. An error is the check''s own (state error), the others go on';

CREATE FUNCTION kpi.mark_sensitive(relation regclass, column_name name, sensitive boolean DEFAULT true) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_mark_sensitive';
COMMENT ON FUNCTION kpi.mark_sensitive(regclass, name, boolean) IS
    'Keeps the values of a column of yours out of the samples of failed rows, and whole rows wherever another relation or SQL reads its table. Samples kept before are deleted';

REVOKE ALL ON FUNCTION kpi.add_check(text, text, text, regclass, name, jsonb, text, text[], interval), kpi.alter_check(text, jsonb, text, text[], interval, boolean),
    kpi.drop_check(text), kpi.run_checks(text), kpi.mark_sensitive(regclass, name, boolean) FROM PUBLIC;

-- What refers to a source goes with it (kpi.untrack, DROP VIEW).
CREATE FUNCTION kpi._forget_checks(source text) RETURNS void
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        DELETE FROM kpi.check_state s USING kpi.check c WHERE c.source = _forget_checks.source AND s.name = c.name;
        DELETE FROM kpi.check_result r USING kpi.check c WHERE c.source = _forget_checks.source AND r.name = c.name;
        SELECT kpi._observe(i.fingerprint, i.kind, i.title, i.severity, false, i.sinks, i.role, i.details)
          FROM kpi.incident i
         WHERE i.kind = 'data' AND i.state <> 'resolved'
           AND (i.fingerprint IN ('data source ' || _forget_checks.source, 'data minor ' || _forget_checks.source)
             OR i.fingerprint IN (SELECT 'check error ' || c.name FROM kpi.check c WHERE c.source = _forget_checks.source));
        DELETE FROM kpi.check c WHERE c.source = _forget_checks.source;
    END;
COMMENT ON FUNCTION kpi._forget_checks(text) IS 'Removes the checks of a source that is untracked, and resolves what they opened';
REVOKE ALL ON FUNCTION kpi._forget_checks(text) FROM PUBLIC;
