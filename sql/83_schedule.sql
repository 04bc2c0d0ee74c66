-- Jobs, and the ledger of their runs.

CREATE TABLE kpi.job (
    name       text COLLATE "C" PRIMARY KEY,
    kind       text NOT NULL,
    owner      regrole NOT NULL,
    schedule   text,
    time_zone  text,
    max_age    interval NOT NULL CHECK (max_age >= '0'),
    enabled    boolean NOT NULL DEFAULT true,
    sinks      text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE kpi.job IS 'Jobs: what runs when. Written by kpi.schedule and kpi.unschedule';
COMMENT ON COLUMN kpi.job.owner IS 'Who scheduled it: the job runs with their rights';
COMMENT ON COLUMN kpi.job.schedule IS 'A cron expression; NULL: what the environment says (kpi.config)';
COMMENT ON COLUMN kpi.job.time_zone IS 'Of the schedule; NULL: the environment''s';
COMMENT ON COLUMN kpi.job.max_age IS 'A run that is later than this is not caught up but missed';
COMMENT ON COLUMN kpi.job.sinks IS 'Who hears of failed, missed and overdue runs; of a heartbeat: where it beats';
SELECT pg_catalog.pg_extension_config_dump('kpi.job', '');

-- Not dumped: what a copy owes begins with the copy.
CREATE TABLE kpi.job_state (
    job       text COLLATE "C" PRIMARY KEY,
    schedule  text NOT NULL,
    time_zone text NOT NULL,
    next_at   timestamptz,
    error     text
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE kpi.job_state IS 'When each job is due next, and the schedule and time zone that say so';

CREATE TABLE kpi.run (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job           text COLLATE "C" NOT NULL,
    owner         regrole NOT NULL,
    state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'succeeded', 'failed', 'missed')),
    scheduled_for timestamptz,
    requested_by  regrole,
    due_at        timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    skipped       integer NOT NULL DEFAULT 0,
    attempt       integer NOT NULL DEFAULT 0,
    claimed_at    timestamptz,
    started_at    timestamptz,
    ended_at      timestamptz,
    duration      interval GENERATED ALWAYS AS (ended_at - started_at) STORED,
    rows          bigint,
    note          text,
    error         text,
    UNIQUE (job, scheduled_for),
    CHECK ((state IN ('succeeded', 'failed', 'missed')) = (ended_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX run_by_hand ON kpi.run (job) WHERE state = 'waiting' AND scheduled_for IS NULL;
CREATE INDEX run_open ON kpi.run (due_at) WHERE state IN ('waiting', 'running');
CREATE INDEX run_ended ON kpi.run (job, ended_at DESC, id DESC) WHERE ended_at IS NOT NULL;
COMMENT ON TABLE kpi.run IS 'The ledger: every run of every job, those that failed and those that never were, for 90 days';
COMMENT ON COLUMN kpi.run.state IS 'missed: nothing ran it within the job''s max_age';
COMMENT ON COLUMN kpi.run.scheduled_for IS 'The time of the schedule; NULL: kpi.run_now';
COMMENT ON COLUMN kpi.run.skipped IS 'Earlier times of the schedule that passed without a run: this one stands for them';
COMMENT ON COLUMN kpi.run.attempt IS 'Lock timeouts, deadlocks, lack of resources and the end of the process are tried again, at most three times';
COMMENT ON COLUMN kpi.run.rows IS 'What the run counted: materialized views refreshed, checks, probes, messages';

ALTER TABLE kpi.job ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.job FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));
ALTER TABLE kpi.run ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.run FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));

CREATE VIEW kpi.job_status AS
SELECT j.name AS job, j.enabled, s.schedule, s.time_zone, s.next_at, l.state AS last_state, l.ended_at AS last_ended_at,
       l.duration AS last_duration, ok.ended_at AS last_success_at, o.running,
       j.enabled AND coalesce(s.next_at < pg_catalog.clock_timestamp() - interval '10 minutes', s.job IS NULL)
       OR coalesce(o.waiting_since < pg_catalog.clock_timestamp() - interval '10 minutes', false) AS overdue
  FROM kpi.job j
  LEFT JOIN kpi.job_state s ON s.job = j.name
  LEFT JOIN LATERAL (SELECT r.state, r.ended_at, r.duration FROM kpi.run r
                      WHERE r.job = j.name AND r.ended_at IS NOT NULL ORDER BY r.ended_at DESC, r.id DESC LIMIT 1) l ON true
  LEFT JOIN LATERAL (SELECT r.ended_at FROM kpi.run r
                      WHERE r.job = j.name AND r.state = 'succeeded' ORDER BY r.ended_at DESC LIMIT 1) ok ON true
  CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.bool_or(r.state = 'running'), false) AS running,
                             pg_catalog.min(r.due_at) FILTER (WHERE r.state = 'waiting') AS waiting_since
                        FROM kpi.run r WHERE r.job = j.name AND r.state IN ('waiting', 'running')) o
 WHERE kpi._may_watch((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), j.owner);
COMMENT ON VIEW kpi.job_status IS 'Each job that is yours, for members of kpi_operator and kpi_reader all: when it is due, and how its last run ended, without its texts';
COMMENT ON COLUMN kpi.job_status.overdue IS 'Due for more than ten minutes, or never looked at in this database';

CREATE FUNCTION kpi.schedule() RETURNS TABLE (scheduled text, expression text, zone text, next_at timestamptz, runs_by text, note text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_schedule_all';
COMMENT ON FUNCTION kpi.schedule() IS
    'Schedules every job that can run in this database and is not scheduled yet, with your rights, and says of the others why not. Where pg_cron is installed it runs them too: the ledger lets each time run once';
CREATE FUNCTION kpi.schedule(job text, schedule text DEFAULT NULL, time_zone text DEFAULT NULL, max_age interval DEFAULT NULL,
    enabled boolean DEFAULT NULL, sinks text[] DEFAULT NULL)
    RETURNS TABLE (scheduled text, expression text, zone text, next_at timestamptz, runs_by text, note text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_schedule_one';
COMMENT ON FUNCTION kpi.schedule(text, text, text, interval, boolean, text[]) IS
    'Schedules one job, or changes it; NULL leaves a value as it is, an empty schedule or time_zone is what the environment says. schedule is a cron expression (five fields; lists, ranges, steps, names, L for the last of the month). max_age: what is later is not caught up. sinks hear of failed, missed and overdue runs';
CREATE FUNCTION kpi.unschedule(job text DEFAULT NULL) RETURNS TABLE (unscheduled text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_unschedule';
COMMENT ON FUNCTION kpi.unschedule(text) IS 'Takes a job off the schedule, without a name all of yours; returns which. Their runs stay in kpi.run';
CREATE FUNCTION kpi.run_now(job text) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_run_now';
COMMENT ON FUNCTION kpi.run_now(text) IS
    'Queues a run of a job beside its schedule and returns its id in kpi.run; it begins when this transaction has committed. One that waits already is returned instead';
-- No SET clause: a procedure with one cannot commit.
CREATE PROCEDURE kpi.run_due(job text DEFAULT NULL)
    LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_ext_run_due';
COMMENT ON PROCEDURE kpi.run_due(text) IS 'Runs what is due now, of one job or of all, each step in its own transaction: what pg_cron calls';
CREATE FUNCTION kpi.next_runs(schedule text, time_zone text DEFAULT 'UTC', after timestamptz DEFAULT now(), count integer DEFAULT 5) RETURNS SETOF timestamptz
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_next_runs';
COMMENT ON FUNCTION kpi.next_runs(text, text, timestamptz, integer) IS
    'When a cron expression is due in a time zone. A fixed hour that the clock skips is due at the jump, one that comes twice at its first; an hour field that begins with * goes on in real time';
REVOKE ALL ON FUNCTION kpi.schedule(), kpi.schedule(text, text, text, interval, boolean, text[]), kpi.unschedule(text), kpi.run_now(text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE kpi.run_due(text) FROM PUBLIC;
