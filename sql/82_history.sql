-- Values as they were first seen: of a metric whose history is kept, each bucket once it is over. They never change afterwards, so that
-- what rows that come late, repairs and corrections make of a closed bucket can be seen (kpi.restatements), and a rule can be judged on
-- what was known then (kpi.backtest).

CREATE TABLE kpi.history (
    metric text NOT NULL,
    grain  text NOT NULL CHECK (grain IN ('hour', 'day', 'week', 'month')),
    "by"   name[] NOT NULL,
    days   integer NOT NULL CHECK (days BETWEEN 1 AND 36500),
    since  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    role   regrole NOT NULL,
    PRIMARY KEY (metric, grain, "by")
);
COMMENT ON TABLE kpi.history IS 'Metrics whose values are kept as they were first seen. Written by kpi.keep_history and kpi.drop_history';
COMMENT ON COLUMN kpi.history."by" IS 'Dimensions of the segments, in the order of their names';
COMMENT ON COLUMN kpi.history.since IS 'Buckets that were over by then are not kept: nobody knows what they were first';
COMMENT ON COLUMN kpi.history.role IS 'The role whose rights read the metric';
SELECT pg_catalog.pg_extension_config_dump('kpi.history', '');

CREATE TABLE kpi.history_state (
    metric text NOT NULL,
    grain  text NOT NULL,
    "by"   name[] NOT NULL,
    due_at timestamptz NOT NULL,
    error  text,
    PRIMARY KEY (metric, grain, "by")
) WITH (fillfactor = 50);
COMMENT ON TABLE kpi.history_state IS 'When the next bucket of each history is over, and why it could not be read';

CREATE TABLE kpi.first_seen (
    metric   text NOT NULL,
    grain    text NOT NULL,
    "by"     name[] NOT NULL,
    bucket   timestamptz NOT NULL,
    seen_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    formula  text NOT NULL,
    "values" jsonb NOT NULL,
    PRIMARY KEY (metric, grain, "by", bucket)
);
COMMENT ON TABLE kpi.first_seen IS 'What closed buckets were when the steward first saw them, one row a bucket, also one in which no segment had rows. kpi.restatements reads it for those who may read the metric';
COMMENT ON COLUMN kpi.first_seen.formula IS 'Of the metric, then: values of another formula are not compared';
COMMENT ON COLUMN kpi.first_seen."values" IS 'Of each segment [segment, value, denominator of a quotient or null]';
SELECT pg_catalog.pg_extension_config_dump('kpi.first_seen', '');

CREATE VIEW kpi.history_status WITH (security_barrier) AS
SELECT h.metric, h.grain, h."by", h.days, h.since, f.buckets, f.last_bucket, f.last_seen_at, s.error
  FROM kpi.history h LEFT JOIN kpi.history_state s ON (s.metric, s.grain, s."by") = (h.metric, h.grain, h."by")
 CROSS JOIN LATERAL (SELECT pg_catalog.count(*) AS buckets, pg_catalog.max(f.bucket) AS last_bucket, pg_catalog.max(f.seen_at) AS last_seen_at
                       FROM kpi.first_seen f WHERE (f.metric, f.grain, f."by") = (h.metric, h.grain, h."by")) f
 WHERE kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), h.role);
COMMENT ON VIEW kpi.history_status IS 'Each history of yours: since when, how many buckets it has, and its error';

-- A measure is renamed with its column. (A metric that is dropped keeps its history until kpi.drop_history: one that is tracked anew goes on.)
CREATE FUNCTION kpi._metric_renamed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE kpi.rule SET metric = NEW.name, changed_at = clock_timestamp() WHERE metric = OLD.name;
    UPDATE kpi.history SET metric = NEW.name WHERE metric = OLD.name;
    UPDATE kpi.history_state SET metric = NEW.name WHERE metric = OLD.name;
    UPDATE kpi.first_seen SET metric = NEW.name, formula = CASE formula WHEN OLD.formula THEN NEW.formula ELSE formula END WHERE metric = OLD.name;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION kpi._metric_renamed() IS 'Row trigger of kpi.metric: rules and histories follow a new name';
REVOKE ALL ON FUNCTION kpi._metric_renamed() FROM PUBLIC;
CREATE TRIGGER metric_renamed AFTER UPDATE OF name ON kpi.metric FOR EACH ROW WHEN (NEW.name <> OLD.name) EXECUTE FUNCTION kpi._metric_renamed();

CREATE FUNCTION kpi.keep_history(metric text, days integer DEFAULT 400, "by" name[] DEFAULT '{}', grain text DEFAULT 'day') RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_keep_history';
COMMENT ON FUNCTION kpi.keep_history(text, integer, name[], text) IS
    'From now on keeps what each bucket of a metric is when it is over, for so many days: kpi.restatements shows what became of it, and kpi.backtest judges on it. by: of each segment too, for rules by these dimensions; grain: hour, day, week or month. Called again it changes the days';
CREATE FUNCTION kpi.drop_history(metric text, "by" name[] DEFAULT '{}', grain text DEFAULT 'day') RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_drop_history';
COMMENT ON FUNCTION kpi.drop_history(text, name[], text) IS 'Keeps a history no longer and deletes what was kept; false: there is none';
REVOKE ALL ON FUNCTION kpi.keep_history(text, integer, name[], text), kpi.drop_history(text, name[], text) FROM PUBLIC;

CREATE FUNCTION kpi.restatements(metric text, start_at timestamptz DEFAULT now() - interval '30 days', "by" name[] DEFAULT '{}', grain text DEFAULT 'day',
                                 only_changed boolean DEFAULT true)
    RETURNS TABLE (bucket timestamptz, segment jsonb, seen_at timestamptz, first_seen float8, today float8, change float8, change_pct float8)
    LANGUAGE c STABLE PARALLEL RESTRICTED CALLED ON NULL INPUT COST 10000 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_restatements';
COMMENT ON FUNCTION kpi.restatements(text, timestamptz, name[], text, boolean) IS
    'Closed buckets whose value is another one today than when it was first seen (kpi.keep_history), by whoever may read the metric. only_changed => false: the others too. NULL: no value';
