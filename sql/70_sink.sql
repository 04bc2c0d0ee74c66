-- Sinks: where messages go. What a sink is stands in kpi.sink and is dumped; its secrets stand apart and never are: a restored
-- copy cannot message anyone until somebody adds the sink again.

CREATE TABLE kpi.sink (
    name       text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z_][a-z0-9_]{0,39}$'),
    owner      regrole NOT NULL,
    kind       text NOT NULL,
    url        text,
    options    jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(options) = 'object'),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    from_environment boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE kpi.sink IS 'Sinks: where messages go, one row each. Written by kpi.add_sink and kpi.drop_sink';
COMMENT ON COLUMN kpi.sink.owner IS 'Who added it: changes it, uses it, shares it with kpi.share_sink, and sees its messages. A member of kpi_operator may do so too';
COMMENT ON COLUMN kpi.sink.url IS 'Shown without what may be secret in it: scheme://host/...; a reference (env:NAME, file:/path) as it is';
COMMENT ON COLUMN kpi.sink.from_environment IS 'Added by kpi.sinks_from_environment';

CREATE TABLE kpi.sink_secret (
    sink   text COLLATE "C" PRIMARY KEY,
    url    text,
    secret jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE kpi.sink_secret IS 'Secrets of the sinks, and URLs that are secrets themselves. For superusers only, and never in a dump';

CREATE TABLE kpi.sink_state (
    sink         text COLLATE "C" PRIMARY KEY,
    failures     integer NOT NULL DEFAULT 0,
    open_until   timestamptz,
    paused_until timestamptz,
    changed_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
) WITH (autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE kpi.sink_state IS 'The circuit breaker of each sink: failures in a row, and until when nothing is sent to it';
COMMENT ON COLUMN kpi.sink_state.failures IS 'Times in a row that the receiver was down';
COMMENT ON COLUMN kpi.sink_state.open_until IS 'The breaker is open until then; after it one message is tried';
COMMENT ON COLUMN kpi.sink_state.paused_until IS 'The receiver asked for a pause (429 with Retry-After)';

SELECT pg_catalog.pg_extension_config_dump('kpi.sink', '');

CREATE TABLE kpi.sink_share (
    sink text COLLATE "C" NOT NULL,
    role regrole NOT NULL,
    PRIMARY KEY (sink, role)
);
COMMENT ON TABLE kpi.sink_share IS 'Roles that may send to a sink of somebody else. Written by kpi.share_sink and kpi.unshare_sink';
SELECT pg_catalog.pg_extension_config_dump('kpi.sink_share', '');

-- Whose things a role may see and change: its own (membership counts); a member of kpi_operator, everybody's.
CREATE FUNCTION kpi._may_run(role oid, owner oid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT pg_has_role(_may_run.role, _may_run.owner, 'USAGE')
            OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'kpi_operator' AND pg_has_role(_may_run.role, r.oid, 'USAGE'));
    END;
COMMENT ON FUNCTION kpi._may_run(oid, oid) IS 'Whether a role may see and change what belongs to another: as its member, or as one of kpi_operator';
CREATE FUNCTION kpi._may_watch(role oid, owner oid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT kpi._may_run(_may_watch.role, _may_watch.owner)
            OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'kpi_reader' AND pg_has_role(_may_watch.role, r.oid, 'USAGE'));
    END;
COMMENT ON FUNCTION kpi._may_watch(oid, oid) IS 'Whether a role may see figures of what belongs to another: also as one of kpi_reader';
REVOKE ALL ON FUNCTION kpi._may_run(oid, oid), kpi._may_watch(oid, oid) FROM PUBLIC;

ALTER TABLE kpi.sink ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.sink FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));
ALTER TABLE kpi.sink_share ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.sink_share FOR SELECT USING (EXISTS (SELECT FROM kpi.sink s WHERE s.name = sink_share.sink));

CREATE FUNCTION kpi.add_sink(name text, kind text, url text DEFAULT NULL, options jsonb DEFAULT '{}', secret jsonb DEFAULT '{}')
    RETURNS text
    LANGUAGE c VOLATILE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'kpi_ext_add_sink';
COMMENT ON FUNCTION kpi.add_sink(text, text, text, jsonb, jsonb) IS
    'Adds a sink, which is then yours, or replaces your one of this name.  url and values of secret may be env:NAME, file:/path or ini:/path#section#key, read on the server when a message is sent (needs pg_read_server_files). Options of every kind: parallelism (4), rate (messages a second), max_attempts (25), timeout and connect_timeout (seconds), response_bytes, cacert (a PEM file)';
REVOKE ALL ON FUNCTION kpi.add_sink(text, text, text, jsonb, jsonb) FROM PUBLIC;

CREATE FUNCTION kpi.sinks_from_environment() RETURNS TABLE (sink text, kind text, state text, reason text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_sinks_from_environment';
COMMENT ON FUNCTION kpi.sinks_from_environment() IS
    'Adds the sinks that the environment of the server describes: SLACK_WEBHOOK_URL with ENABLE_SLACK, PUSHGATEWAY_URL, KPI_REPORTS_S3_BUCKET and KPI_REPORTS_S3_PREFIX with AWS_*, KPI_REPORTS_ADLS_SHARE and KPI_REPORTS_ADLS_PATH with AZURE_STORAGE_CONNECTION_STRING, KPI_REPORTS_DIR, MLFLOW_TRACKING_URI and MLFLOW_KPI_EXPERIMENT_NAME. State: added, changed, unchanged or skipped, with the reason. Secrets are kept as references. Needs pg_read_server_files';
REVOKE ALL ON FUNCTION kpi.sinks_from_environment() FROM PUBLIC;

CREATE FUNCTION kpi.share_sink(name text, role regrole) RETURNS void
    LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_share_sink';
COMMENT ON FUNCTION kpi.share_sink(text, regrole) IS
    'Lets a role send messages to a sink of yours, with kpi.notify and kpi.test_sink. It sees neither the sink''s options nor anybody''s messages; it needs kpi_admin as well';
REVOKE ALL ON FUNCTION kpi.share_sink(text, regrole) FROM PUBLIC;

CREATE FUNCTION kpi.unshare_sink(name text, role regrole) RETURNS void
    LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_unshare_sink';
COMMENT ON FUNCTION kpi.unshare_sink(text, regrole) IS 'Takes back what kpi.share_sink gave; messages that it has queued are still sent';
REVOKE ALL ON FUNCTION kpi.unshare_sink(text, regrole) FROM PUBLIC;

CREATE FUNCTION kpi.drop_sink(name text) RETURNS void
    LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_drop_sink';
COMMENT ON FUNCTION kpi.drop_sink(text) IS 'Drops a sink with its secrets; messages that wait for it are cancelled';
REVOKE ALL ON FUNCTION kpi.drop_sink(text) FROM PUBLIC;
