-- The outbox: a message is a row, committed with what caused it; the courier sends it afterwards. A logged table, so that a crash
-- loses nothing; never dumped, so that a restored copy messages no one.

CREATE TABLE kpi.outbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sink            text COLLATE "C" NOT NULL,
    owner           regrole NOT NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'delivered', 'dead', 'cancelled')),
    message         jsonb NOT NULL,
    content         bytea,
    content_type    text,
    object_key      text,
    report          bigint,
    dedupe_key      text COLLATE "C",
    group_key       text COLLATE "C" CHECK (group_key <> ''),
    idempotency_key uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    attempts        integer NOT NULL DEFAULT 0,
    attempts_before integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    due_at          timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    claimed_at      timestamptz,
    lease_until     timestamptz,
    claimed_by      text,
    settled_at      timestamptz,
    status          integer,
    error           text,
    result          jsonb,
    CHECK ((state = 'sending') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('delivered', 'dead', 'cancelled')) = (settled_at IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_insert_threshold = 10000, autovacuum_vacuum_insert_scale_factor = 0,
        autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX outbox_due ON kpi.outbox (sink, due_at, id) WHERE state = 'pending' AND group_key IS NULL;
CREATE INDEX outbox_head ON kpi.outbox (sink, group_key, id) WHERE state IN ('pending', 'sending') AND group_key IS NOT NULL;
CREATE INDEX outbox_lease ON kpi.outbox (lease_until) WHERE state = 'sending';
CREATE INDEX outbox_dead ON kpi.outbox (sink) WHERE state = 'dead';
CREATE INDEX outbox_settled ON kpi.outbox (settled_at) WHERE state IN ('delivered', 'dead', 'cancelled');
CREATE UNIQUE INDEX outbox_dedupe ON kpi.outbox (sink, owner, dedupe_key) WHERE dedupe_key IS NOT NULL;
COMMENT ON TABLE kpi.outbox IS 'Messages: those that wait, those on their way, and what became of the others until kpi.purge. Written by kpi.notify';
COMMENT ON COLUMN kpi.outbox.owner IS 'The owner of the sink when the message was queued: who sees it, and may cancel it, send it again and purge it';
COMMENT ON COLUMN kpi.outbox.report IS 'The row of kpi.report whose content is sent: it stays there as long as the message is here';
COMMENT ON COLUMN kpi.outbox.group_key IS 'Messages of one sink with the same key are sent one after the other, in the order of their ids';
COMMENT ON COLUMN kpi.outbox.idempotency_key IS 'The same in every attempt, so that the receiver can tell a repetition';
COMMENT ON COLUMN kpi.outbox.attempts IS 'Counted when an attempt begins, and never set back: an attempt has one number';
COMMENT ON COLUMN kpi.outbox.attempts_before IS 'Those before kpi.redeliver: they do not count towards max_attempts';
COMMENT ON COLUMN kpi.outbox.due_at IS 'Not sent before';
COMMENT ON COLUMN kpi.outbox.claimed_by IS 'The server process that sends it: pid and start of the process in Unix time';
COMMENT ON COLUMN kpi.outbox.result IS 'What the receiver said about it that later messages may refer to';

CREATE TABLE kpi.delivery (
    message        bigint NOT NULL,
    attempt        integer NOT NULL,
    sink           text COLLATE "C" NOT NULL,
    started_at     timestamptz NOT NULL,
    duration       interval,
    status         integer,
    error          text,
    bytes_sent     bigint,
    bytes_received bigint,
    outcome        text NOT NULL CHECK (outcome IN ('delivered', 'retry', 'dead', 'cancelled', 'late', 'lost', 'group'))
) WITH (autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX delivery_message ON kpi.delivery (message);
CREATE INDEX delivery_sink ON kpi.delivery (sink, started_at);
ALTER TABLE kpi.outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.outbox FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), owner));
ALTER TABLE kpi.delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.delivery FOR SELECT USING (EXISTS (SELECT FROM kpi.outbox o WHERE o.id = delivery.message));
COMMENT ON TABLE kpi.delivery IS 'Attempts to deliver: when, how long, what came of it. Holds no URL and no secret';
COMMENT ON COLUMN kpi.delivery.outcome IS
    'retry: it will be tried again; late: known only when the message had been taken from the sender, so nothing changed; lost: the sender ended without a word, or lost its lease; group: no attempt, a note that an earlier message of the group is dead';

CREATE VIEW kpi.outbox_stats AS
SELECT s.name AS sink, w.pending, w.sending, d.dead, w.oldest, h.delivered_last_hour, h.failed_last_hour,
       CASE WHEN st.open_until IS NULL THEN 'closed'
            WHEN st.open_until > pg_catalog.clock_timestamp() THEN 'open' ELSE 'half-open' END AS breaker,
       st.open_until, st.paused_until
  FROM kpi.sink s
  LEFT JOIN kpi.sink_state st ON st.sink = s.name
  CROSS JOIN LATERAL (
       SELECT pg_catalog.count(*) FILTER (WHERE o.state = 'pending') AS pending,
              pg_catalog.count(*) FILTER (WHERE o.state = 'sending') AS sending,
              pg_catalog.clock_timestamp() - pg_catalog.min(o.created_at) AS oldest
         FROM kpi.outbox o WHERE o.sink = s.name AND o.state IN ('pending', 'sending')) w
  CROSS JOIN LATERAL (SELECT pg_catalog.count(*) AS dead FROM kpi.outbox o WHERE o.sink = s.name AND o.state = 'dead') d
  CROSS JOIN LATERAL (
       SELECT pg_catalog.count(*) FILTER (WHERE e.outcome = 'delivered') AS delivered_last_hour,
              pg_catalog.count(*) FILTER (WHERE e.outcome IN ('retry', 'dead', 'lost')) AS failed_last_hour
         FROM kpi.delivery e
        WHERE e.sink = s.name AND e.started_at > pg_catalog.clock_timestamp() - interval '1 hour') h
 WHERE kpi._may_watch((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), s.owner);
COMMENT ON VIEW kpi.outbox_stats IS 'Each sink that is yours, for members of kpi_operator and kpi_reader all: messages that wait, their oldest, dead ones, the last hour''s attempts, and the circuit breaker';
COMMENT ON COLUMN kpi.outbox_stats.oldest IS 'Age of the oldest message that is not settled';
COMMENT ON COLUMN kpi.outbox_stats.failed_last_hour IS 'Attempts that failed, whether tried again or not';

CREATE FUNCTION kpi.notify(sink text, message jsonb, dedupe_key text DEFAULT NULL, not_before timestamptz DEFAULT NULL,
    group_key text DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'kpi_ext_notify';
COMMENT ON FUNCTION kpi.notify(text, jsonb, text, timestamptz, text) IS
    'Queues a message; it is sent if and only if this transaction commits. A dedupe_key that the sink has seen queues nothing and returns the earlier message. Messages with the same group_key are sent in order; queueing one makes other transactions that do so for the same group wait';
REVOKE ALL ON FUNCTION kpi.notify(text, jsonb, text, timestamptz, text) FROM PUBLIC;

CREATE FUNCTION kpi.notify(sink text, content bytea, content_type text, object_key text, message jsonb DEFAULT '{}',
    dedupe_key text DEFAULT NULL, not_before timestamptz DEFAULT NULL, group_key text DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'kpi_ext_notify_content';
COMMENT ON FUNCTION kpi.notify(text, bytea, text, text, jsonb, text, timestamptz, text) IS
    'Queues a message with content: a file, an attachment, an object';
REVOKE ALL ON FUNCTION kpi.notify(text, bytea, text, text, jsonb, text, timestamptz, text) FROM PUBLIC;

CREATE FUNCTION kpi.redeliver(id bigint) RETURNS void
    LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_redeliver';
COMMENT ON FUNCTION kpi.redeliver(bigint) IS
    'Sends a settled message again (dead, cancelled or delivered), with the same idempotency key and all its attempts before it';
REVOKE ALL ON FUNCTION kpi.redeliver(bigint) FROM PUBLIC;

CREATE FUNCTION kpi.cancel(id bigint) RETURNS void
    LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_cancel';
COMMENT ON FUNCTION kpi.cancel(bigint) IS 'Takes a message that waits out of the queue; one that is being sent cannot be taken back';
REVOKE ALL ON FUNCTION kpi.cancel(bigint) FROM PUBLIC;

CREATE FUNCTION kpi.purge(older_than interval DEFAULT '30 days') RETURNS bigint
    LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_purge';
COMMENT ON FUNCTION kpi.purge(interval) IS
    'Deletes messages settled longer ago than this, with their attempts; returns how many messages. Their dedupe keys are forgotten';
REVOKE ALL ON FUNCTION kpi.purge(interval) FROM PUBLIC;
