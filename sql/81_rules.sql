-- Rules: what to watch. Written by kpi.add_rule and kpi.alter_rule, judged by the worker at each merge and at least every minute.

CREATE TABLE kpi.rule (
    name           text PRIMARY KEY CHECK (name <> '' AND pg_catalog.octet_length(name) < 64),
    metric         text NOT NULL,
    condition      text NOT NULL CHECK (condition IN ('below', 'above', 'ratio', 'change', 'percentile', 'anomaly', 'no_data', 'vanished_segment', 'new_segment')),
    threshold      numeric,
    threshold_name text,
    "by"           name[] NOT NULL DEFAULT '{}',
    filters        jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(filters) = 'object'),
    grain          text NOT NULL DEFAULT 'day' CHECK (grain IN ('hour', 'day', 'week', 'month')),
    buckets        text NOT NULL DEFAULT 'closed' CHECK (buckets IN ('open', 'closed')),
    baseline       text NOT NULL DEFAULT 'avg7d',
    method         text NOT NULL DEFAULT 'robust',
    direction      text NOT NULL CHECK (direction IN ('down', 'up', 'both')),
    for_           interval NOT NULL DEFAULT '0' CHECK (for_ >= '0'),
    keep_firing    interval NOT NULL DEFAULT '0' CHECK (keep_firing >= '0'),
    hysteresis     numeric NOT NULL DEFAULT 0 CHECK (hysteresis >= 0 AND hysteresis < 1000),
    min_volume     numeric,
    min_change_pct numeric,
    min_change_abs numeric,
    fdr            numeric NOT NULL DEFAULT 0.05 CHECK (fdr > 0 AND fdr < 1),
    group_above    integer NOT NULL DEFAULT 3 CHECK (group_above >= 0),
    repeat_every   interval NOT NULL DEFAULT '4 hours' CHECK (repeat_every >= '0'),
    max_repeats    integer NOT NULL DEFAULT 3 CHECK (max_repeats >= 0),
    escalate_after interval NOT NULL DEFAULT '0' CHECK (escalate_after >= '0'),
    escalate_sinks text[] NOT NULL DEFAULT '{}',
    severity       text NOT NULL DEFAULT 'warning' CHECK (severity IN ('info', 'warning', 'critical')),
    sinks          text[] NOT NULL DEFAULT '{}',
    owner          text,
    runbook        text,
    labels         jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(labels) = 'object'),
    enabled        boolean NOT NULL DEFAULT true,
    role           regrole NOT NULL,
    changed_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE kpi.rule IS 'Rules, one row each. Written by kpi.add_rule, kpi.alter_rule and kpi.drop_rule; docs/alerts.md says what each column does';
COMMENT ON COLUMN kpi.rule.threshold_name IS 'The threshold is this one of kpi.threshold in the environment of the server, when it is there; threshold otherwise';
COMMENT ON COLUMN kpi.rule.buckets IS 'What is judged: the bucket in progress, by its pace (open), or the last one that is over (closed)';
COMMENT ON COLUMN kpi.rule.direction IS 'Which side is bad; of below, above and ratio the condition says it';
COMMENT ON COLUMN kpi.rule.for_ IS 'Bad for so long before it fires';
COMMENT ON COLUMN kpi.rule.keep_firing IS 'Good for so long before it is resolved';
COMMENT ON COLUMN kpi.rule.hysteresis IS 'Per cent beyond the threshold before it is good again';
COMMENT ON COLUMN kpi.rule.min_volume IS 'Not judged below so much: of what is expected of the bucket; for rates of the denominator (30 when NULL)';
COMMENT ON COLUMN kpi.rule.min_change_pct IS 'Only when it differs so much from what is expected of this bucket (same weekday or hour of the week), in per cent; min_change_abs: in units of the metric';
COMMENT ON COLUMN kpi.rule.fdr IS 'Anomalies of segments: the share of false alarms among alarms';
COMMENT ON COLUMN kpi.rule.group_above IS 'When more segments than this are bad they are one incident with members';
COMMENT ON COLUMN kpi.rule.owner IS 'Who is asked about it, as written in messages, e.g. @ana';
COMMENT ON COLUMN kpi.rule.role IS 'Who made it: its rights count for what is read and where messages go';
SELECT pg_catalog.pg_extension_config_dump('kpi.rule', '');

CREATE TABLE kpi.rule_memory (
    rule    text PRIMARY KEY,
    made_at timestamptz NOT NULL,
    content bytea NOT NULL
);
ALTER TABLE kpi.rule_memory ALTER content SET STORAGE EXTERNAL;
COMMENT ON TABLE kpi.rule_memory IS 'What closed buckets say about the one in progress, for each rule and segment: made anew each hour, and whenever the rule changes';

CREATE TABLE kpi.rule_state (
    rule       text PRIMARY KEY,
    checked_at timestamptz NOT NULL,
    bad        integer NOT NULL,
    unclear    integer NOT NULL,
    series     integer NOT NULL,
    held_by    text,
    error      text
) WITH (fillfactor = 50);
COMMENT ON TABLE kpi.rule_state IS 'What the last look at each rule saw, to the minute';
COMMENT ON COLUMN kpi.rule_state.held_by IS 'The data incident that inhibits the rule';

ALTER TABLE kpi.rule ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kpi.rule FOR SELECT USING (kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), role));

CREATE VIEW kpi.rule_status WITH (security_barrier) AS
SELECT r.name, r.enabled, r.severity, r.metric, r.condition, r.threshold, r.buckets,
       CASE WHEN NOT r.enabled THEN 'off' WHEN s.error IS NOT NULL THEN 'error' WHEN s.held_by IS NOT NULL THEN 'inhibited'
            WHEN i.firing > 0 THEN 'firing' WHEN i.pending > 0 THEN 'pending' WHEN s.rule IS NULL THEN 'not judged yet' ELSE 'ok' END AS state,
       s.checked_at, s.series, s.bad, s.unclear, i.firing, i.pending, i.last_fired, s.held_by, s.error
  FROM kpi.rule r LEFT JOIN kpi.rule_state s ON s.rule = r.name
 CROSS JOIN LATERAL (
       SELECT pg_catalog.count(*) FILTER (WHERE i.state IN ('firing', 'acknowledged')) AS firing,
              pg_catalog.count(*) FILTER (WHERE i.state = 'pending') AS pending, pg_catalog.max(i.fired_at) AS last_fired
         FROM kpi.incident i WHERE i.rule = r.name AND i.kind = 'rule') i
 WHERE kpi._may_run((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), r.role);
COMMENT ON VIEW kpi.rule_status IS 'Each rule of yours: whether it fires, how many series it looked at and when, what inhibits it, and its error';

CREATE FUNCTION kpi.add_rule(name text, metric text, condition text, threshold numeric DEFAULT NULL, "by" name[] DEFAULT '{}', filters jsonb DEFAULT '{}',
    grain text DEFAULT 'day', baseline text DEFAULT 'avg7d', for_ interval DEFAULT '0', keep_firing interval DEFAULT '0', min_volume numeric DEFAULT NULL,
    min_change_pct numeric DEFAULT NULL, min_change_abs numeric DEFAULT NULL, direction text DEFAULT NULL, severity text DEFAULT 'warning',
    sinks text[] DEFAULT '{}', owner text DEFAULT NULL, runbook text DEFAULT NULL, labels jsonb DEFAULT '{}', enabled boolean DEFAULT true,
    buckets text DEFAULT 'closed', options jsonb DEFAULT '{}')
    RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_add_rule';
COMMENT ON FUNCTION kpi.add_rule(text, text, text, numeric, name[], jsonb, text, text, interval, interval, numeric, numeric, numeric, text, text, text[], text, text, jsonb, boolean, text, jsonb) IS
    'Adds or replaces a rule. condition: below, above (threshold a value), ratio (times the baseline: 0.7), change (per cent of the baseline), percentile (per cent of the series'' own past), anomaly (sigmas), no_data, vanished_segment (buckets), new_segment (least value). buckets: closed, or open, judged by its pace. baseline: avg7d, median28d (any number), weekday, previous, week. direction: down, up, both; by default the side that is bad for the metric. options: hysteresis, group_above, repeat_every, max_repeats, escalate_after, escalate_sinks, fdr, method, threshold_name. See docs/alerts.md';

CREATE FUNCTION kpi.alter_rule(name text, changes jsonb) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_alter_rule';
COMMENT ON FUNCTION kpi.alter_rule(text, jsonb) IS
    'Changes a rule: an object of columns of kpi.rule and their new values, e.g. {"threshold": 65, "enabled": false}. Its open incidents are kept';

CREATE FUNCTION kpi.drop_rule(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_drop_rule';
COMMENT ON FUNCTION kpi.drop_rule(text) IS 'Removes a rule; its open incidents are resolved, their history stays';

CREATE FUNCTION kpi.test_rule(name text)
    RETURNS TABLE (segment jsonb, verdict text, value float8, expected float8, threshold float8, share float8, p float8, why text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT ROWS 10 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_test_rule';
COMMENT ON FUNCTION kpi.test_rule(text) IS
    'What a rule says now of each series, and why; opens no incident and tells nobody. verdict: bad, good, or unclear (too early, not enough history). expected and threshold are those of this moment: share is the part of the bucket that is usually there by now. Works for a rule that is not enabled too';

CREATE FUNCTION kpi._evaluate_rules(at timestamptz DEFAULT NULL, making integer DEFAULT NULL) RETURNS integer
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_evaluate_rules';
COMMENT ON FUNCTION kpi._evaluate_rules(timestamptz, integer) IS
    'One look of all rules, as the worker takes it (which does so on one snapshot); returns how many incidents fire. at: the clock, for tests; NULL: now';
REVOKE ALL ON FUNCTION kpi._evaluate_rules(timestamptz, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION kpi.add_rule(text, text, text, numeric, name[], jsonb, text, text, interval, interval, numeric, numeric, numeric, text, text, text[], text, text, jsonb, boolean, text, jsonb),
    kpi.alter_rule(text, jsonb), kpi.drop_rule(text), kpi.test_rule(text) FROM PUBLIC;

CREATE FUNCTION kpi.runbook(rule text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE STRICT SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT coalesce((SELECT r.runbook FROM kpi.rule r WHERE r.name = runbook.rule),
                        'This rule has no runbook. Give it one: SELECT kpi.alter_rule(' || quote_literal(runbook.rule) || ', ''{"runbook": "..."}'');');
    END;
COMMENT ON FUNCTION kpi.runbook(text) IS 'What a rule''s alarm means and the first steps; docs/runbooks.md has those of the pack and of kpi_ext itself';
REVOKE ALL ON FUNCTION kpi.runbook(text) FROM PUBLIC;

CREATE FUNCTION kpi.backtest(rule text, start_at timestamptz DEFAULT now() - interval '90 days', end_at timestamptz DEFAULT now()) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_backtest';
COMMENT ON FUNCTION kpi.backtest(text, timestamptz, timestamptz) IS
    'How a rule would have behaved on closed buckets: incidents, firings_a_week, suggested_threshold (one alarm in four weeks; of below, above and ratio), and the feedback its real incidents got. Values are as they were first seen where kpi.keep_history has them (by the same dimensions and grain, without filters), and those of today elsewhere: "values" says which. Opens nothing and tells nobody';
REVOKE ALL ON FUNCTION kpi.backtest(text, timestamptz, timestamptz) FROM PUBLIC;
