-- Reports: made from kpi.query, kept as they were made, so that a DBA can look before anybody receives one.

CREATE TABLE kpi.report (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text COLLATE "C" NOT NULL,
    owner        regrole NOT NULL,
    period       daterange NOT NULL,
    format       text NOT NULL,
    language     text NOT NULL,
    version      integer NOT NULL CHECK (version > 0),
    restates     bigint,
    object_key   text NOT NULL,
    content_type text NOT NULL,
    size         bigint GENERATED ALWAYS AS (pg_catalog.octet_length(content)) STORED,
    checksum     text GENERATED ALWAYS AS (pg_catalog.encode(pg_catalog.sha256(content), 'hex')) STORED,
    content      bytea NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    UNIQUE (kind, owner, period, format, language, version),
    CHECK ((version > 1) = (restates IS NOT NULL))
);
CREATE INDEX report_made ON kpi.report (made_at);
COMMENT ON TABLE kpi.report IS 'Reports as they were made, for kpi.report_retention days. Written by kpi.make_report. Not dumped: the same numbers make the same bytes again';
COMMENT ON COLUMN kpi.report.kind IS 'daily, weekly, monthly, or the name of a report in kpi.report_plan';
COMMENT ON COLUMN kpi.report.owner IS 'Who made it: the numbers are what this role may read';
COMMENT ON COLUMN kpi.report.period IS 'The days that it is about; all of them were over when it was made';
COMMENT ON COLUMN kpi.report.version IS '1, and one more each time the numbers of the same report had changed since';
COMMENT ON COLUMN kpi.report.restates IS 'The version before, whose numbers this one corrects';
COMMENT ON COLUMN kpi.report.object_key IS 'Where sinks put it, below their prefix; the same for every version';
COMMENT ON COLUMN kpi.report.checksum IS 'SHA-256 of the content, in hex';

ALTER TABLE kpi.report ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.report FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));

-- No sender holds the only copy: what is sent is here, and cannot be deleted before.
ALTER TABLE kpi.outbox ADD CONSTRAINT outbox_report FOREIGN KEY (report) REFERENCES kpi.report;
CREATE INDEX outbox_report ON kpi.outbox (report) WHERE report IS NOT NULL;

CREATE TABLE kpi.report_plan (
    name       text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z_][a-z0-9_]{0,39}$' AND name NOT IN ('daily', 'weekly', 'monthly', 'sql')),
    kind       text NOT NULL CHECK (kind IN ('daily', 'weekly', 'monthly', 'sql')),
    owner      regrole NOT NULL,
    sinks      text[] NOT NULL DEFAULT '{}',
    formats    text[] NOT NULL CHECK (formats <> '{}'),
    language   text NOT NULL,
    options    jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(options) = 'object'),
    enabled    boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE kpi.report_plan IS 'Reports that are made and sent by schedule. Written by kpi.add_report, kpi.alter_report and kpi.drop_report';
COMMENT ON COLUMN kpi.report_plan.kind IS 'What it says, and when it is due unless it has a job kpi_report_{name}: with kpi_reports, kpi_reports_weekly or kpi_reports_monthly; sql: not without a job of its own';
COMMENT ON COLUMN kpi.report_plan.owner IS 'The role whose rights read the numbers and use the sinks';
COMMENT ON COLUMN kpi.report_plan.options IS 'metrics, filters, by, top, title: what it is about, if not every metric that may be read; of kind sql: sql, title, max_rows';
SELECT pg_catalog.pg_extension_config_dump('kpi.report_plan', '');

CREATE TABLE kpi.announcement (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report   bigint NOT NULL,
    kind     text NOT NULL,
    owner    regrole NOT NULL,
    language text NOT NULL,
    state    text NOT NULL CHECK (state IN ('uploading', 'announcing', 'done')),
    uploads  bigint[] NOT NULL DEFAULT '{}',
    sinks    text[] NOT NULL DEFAULT '{}',
    subject  text NOT NULL,
    text     text NOT NULL,
    html     text NOT NULL,
    messages bigint[] NOT NULL DEFAULT '{}',
    began_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz,
    note     text,
    CHECK ((state = 'done') = (ended_at IS NOT NULL))
);
CREATE INDEX announcement_open ON kpi.announcement (id) WHERE state <> 'done';
COMMENT ON TABLE kpi.announcement IS 'Reports on their way: files are uploaded first, then people are told, with a link where a sink gives one. Not dumped, as the outbox is not';
COMMENT ON COLUMN kpi.announcement.state IS 'uploading: waits for its files, at most ten minutes; announcing: messages are on their way; done: all of them are settled';
COMMENT ON COLUMN kpi.announcement.uploads IS 'Messages of kpi.outbox that carry the files';
COMMENT ON COLUMN kpi.announcement.sinks IS 'Who is told when the files are there';
COMMENT ON COLUMN kpi.announcement.messages IS 'Messages of kpi.outbox that tell them';
COMMENT ON COLUMN kpi.announcement.note IS 'What went otherwise than wished: sent without its link, or a sink that could not be told and why';

ALTER TABLE kpi.report_plan ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.report_plan FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));
ALTER TABLE kpi.announcement ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.announcement FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));

-- Dates are read back as text: the session's style is nobody's business.
CREATE FUNCTION kpi.make_report(kind text, as_of date DEFAULT NULL, format text DEFAULT NULL, language text DEFAULT NULL)
    RETURNS kpi.report LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS 'MODULE_PATHNAME', 'kpi_ext_make_report';
COMMENT ON FUNCTION kpi.make_report(text, date, text, text) IS
    'Makes a report with your rights and keeps it in kpi.report. as_of: its last day, by default the last one that is over. Numbers that are still the same give the report that is there already; numbers that have changed give a new version, which says what it restates';

-- VOLATILE: a report that the same statement makes is there already.
CREATE FUNCTION kpi.report_content(id bigint) RETURNS bytea
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_report_content';
COMMENT ON FUNCTION kpi.report_content(bigint) IS
    'The bytes of a report, by its id in kpi.report. Those of a text format are UTF-8: convert_from(kpi.report_content(id), ''UTF8'')';

CREATE FUNCTION kpi.notify_report(sink text, report bigint, message jsonb DEFAULT '{}', dedupe_key text DEFAULT NULL, not_before timestamptz DEFAULT NULL,
    group_key text DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'kpi_ext_notify_report';
COMMENT ON FUNCTION kpi.notify_report(text, bigint, jsonb, text, timestamptz, text) IS
    'Queues a message that carries a report of kpi.report as its content, under the report''s object key. The report is not copied: it is kept as long as the message';

CREATE FUNCTION kpi.send_report(kind text, as_of date DEFAULT NULL, sinks text[] DEFAULT NULL, formats text[] DEFAULT NULL, language text DEFAULT NULL)
    RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS 'MODULE_PATHNAME', 'kpi_ext_send_report';
COMMENT ON FUNCTION kpi.send_report(text, date, text[], text[], text) IS
    'Makes a report in each of the formats and sends it; returns the id in kpi.announcement. Sinks that store (s3, azure_blob, azure_files, file) and mlflow get the files; slack, smtp and webhook are told when these are there. kind may be the name of a report in kpi.report_plan, whose sinks, formats and language count when none are given. The same version is sent to a sink once';

CREATE FUNCTION kpi.run_reports(kind text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS 'MODULE_PATHNAME', 'kpi_ext_run_reports';
COMMENT ON FUNCTION kpi.run_reports(text) IS
    'What the jobs kpi_reports, kpi_reports_weekly and kpi_reports_monthly run (and kpi_report_{name}, with the name of one of kpi.report_plan, which it makes and sends, or fails): makes the report of this kind, then makes and sends each of kpi.report_plan of this kind that is yours, enabled and has no schedule of its own; returns how many. One that fails opens an incident and stops no other; so does one whose numbers end before yesterday, because a source was not recomputed';

CREATE FUNCTION kpi.add_report(name text, kind text, sinks text[], formats text[] DEFAULT NULL, language text DEFAULT NULL, options jsonb DEFAULT '{}',
    schedule text DEFAULT NULL, time_zone text DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS 'MODULE_PATHNAME', 'kpi_ext_add_report';
COMMENT ON FUNCTION kpi.add_report(text, text, text[], text[], text, jsonb, text, text) IS
    'Adds a report that is made and sent by schedule, to these sinks, with your rights. kind: daily, weekly, monthly, or sql, a SELECT of your own. options: metrics (a list), filters (as of kpi.query), by (dimensions to rank by), top, title; of kind sql: sql, title, max_rows. schedule: a cron expression of its own, with a job kpi_report_{name}; else it goes with the others of its kind. It is tried at once, so that what cannot work is said at once';
CREATE FUNCTION kpi.alter_report(name text, sinks text[] DEFAULT NULL, formats text[] DEFAULT NULL, language text DEFAULT NULL, options jsonb DEFAULT NULL,
    enabled boolean DEFAULT NULL, schedule text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS 'MODULE_PATHNAME', 'kpi_ext_alter_report';
COMMENT ON FUNCTION kpi.alter_report(text, text[], text[], text, jsonb, boolean, text, text) IS
    'Changes what is not NULL. options are laid over the present ones; one that is null goes back to its default. An empty schedule: it goes with the others of its kind again';
CREATE FUNCTION kpi.drop_report(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_drop_report';
COMMENT ON FUNCTION kpi.drop_report(text) IS 'Takes a report off the schedule; those that were made stay in kpi.report';
CREATE FUNCTION kpi.report_day() RETURNS date
    LANGUAGE c STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_report_day';
COMMENT ON FUNCTION kpi.report_day() IS
    'In the sql of a report: its last day (as_of), so that a report of an earlier day can be made again. Elsewhere yesterday, in the zone of reports';
REVOKE ALL ON FUNCTION kpi.make_report(text, date, text, text), kpi.report_content(bigint), kpi.notify_report(text, bigint, jsonb, text, timestamptz, text),
    kpi.send_report(text, date, text[], text[], text), kpi.run_reports(text), kpi.add_report(text, text, text[], text[], text, jsonb, text, text),
    kpi.alter_report(text, text[], text[], text, jsonb, boolean, text, text), kpi.drop_report(text) FROM PUBLIC;
