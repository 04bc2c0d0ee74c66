-- The registry. Everything an installation defines is dumped; what only describes the running server is not.
-- No foreign keys between these tables: pg_restore -j loads the tables of an extension in any order. What refers to a source
-- or measure goes and moves with it in the code that removes and renames it.

CREATE TABLE kpi.source (
    name           text PRIMARY KEY CHECK (name ~ '^[a-z_][a-z0-9_]{0,39}$'),
    facts          regclass NOT NULL UNIQUE,
    base           regclass,
    time_column    name NOT NULL,
    dimensions     name[] NOT NULL,
    timezone       text NOT NULL,
    capture        text NOT NULL CHECK (capture IN ('trigger', 'window')),
    lookback       interval NOT NULL CHECK (lookback > interval '0'),
    hour_retention interval NOT NULL CHECK (hour_retention > interval '0'),
    hours_from     date NOT NULL,
    frozen_before  date NOT NULL DEFAULT '-infinity',
    created_at     timestamptz NOT NULL DEFAULT now(),
    CHECK ((capture = 'trigger') = (base IS NOT NULL))
);
COMMENT ON TABLE kpi.source IS 'Tracked facts views, one row each. Written by kpi.track and kpi.untrack';
COMMENT ON COLUMN kpi.source.facts IS 'The facts view: one row per event';
COMMENT ON COLUMN kpi.source.base IS 'Trigger capture: the table the facts view reads; NULL with window capture';
COMMENT ON COLUMN kpi.source.hours_from IS 'The hour rollup is complete from this local day on; older days have the day rollup only';
COMMENT ON COLUMN kpi.source.frozen_before IS 'Days before this one are history kept by kpi.freeze: deltas, repair and verify leave them alone';

CREATE TABLE kpi.measure (
    name     text PRIMARY KEY,
    source   text NOT NULL,
    position smallint NOT NULL CHECK (position > 0),
    type     regtype NOT NULL,
    UNIQUE (source, position)
);
COMMENT ON TABLE kpi.measure IS 'Measures: the numeric columns of the facts views. Column m<position> of the source''s delta and rollup tables holds the sum';

CREATE TABLE kpi.counted (
    name     text PRIMARY KEY,
    source   text NOT NULL,
    position smallint NOT NULL CHECK (position BETWEEN 1 AND 7),
    "column" name NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('distinct', 'min', 'max', 'percentiles', 'first', 'last')),
    error    float8 CHECK ((kind = 'percentiles') = (error IS NOT NULL))
);
COMMENT ON TABLE kpi.counted IS 'Counted measures (aggregates => in kpi.track): they do not add up, so the values of a column of the facts view are kept, each with the number of its rows. Column v<position> of the source''s delta and rollup tables holds the value; measures of one column share it';
COMMENT ON COLUMN kpi.counted.error IS 'Of percentiles, relative: 0.01 is 1 %. The number of a bucket that is so narrow is kept instead of the value';

CREATE TABLE kpi.metric (
    name        text PRIMARY KEY CHECK (name <> '' AND pg_catalog.octet_length(name) < 64),
    formula     text NOT NULL,
    unit        text,
    currency    text CHECK (currency ~ '^[A-Z]{3}$'),
    decimals    smallint CHECK (decimals BETWEEN 0 AND 10),
    good        text NOT NULL DEFAULT 'up' CHECK (good IN ('up', 'down', 'none')),
    description text,
    owner       regrole NOT NULL,
    measure     text UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE kpi.metric IS 'Metrics: named formulas over measures and metrics. Written by kpi.define; every measure has one of its own name';
COMMENT ON COLUMN kpi.metric.currency IS 'The one currency of an amount of money, in letters of ISO 4217. Written by kpi.set_unit, as decimals';
COMMENT ON COLUMN kpi.metric.decimals IS 'How many a report shows; NULL: a number''s own, money: its currency''s';
COMMENT ON COLUMN kpi.metric.owner IS 'The role whose rights evaluate the formula';
COMMENT ON COLUMN kpi.metric.measure IS 'Set for the metric that a measure has by itself';

CREATE TABLE kpi.dirty (
    source    text NOT NULL,
    "from"    date NOT NULL,
    "to"      date NOT NULL,
    why       text NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ("from" < "to")
);
CREATE INDEX dirty_source ON kpi.dirty (source);
ALTER TABLE kpi.dirty REPLICA IDENTITY FULL;
COMMENT ON TABLE kpi.dirty IS 'Ranges of local days [from, to) whose rollups cannot be trusted: reads use the facts view there until the repair has run';

CREATE TABLE kpi.capture_error (
    source   text NOT NULL,
    sqlstate text NOT NULL,
    message  text NOT NULL,
    first_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    rows     bigint NOT NULL DEFAULT 1
);
ALTER TABLE kpi.capture_error REPLICA IDENTITY FULL;
COMMENT ON TABLE kpi.capture_error IS 'Rows that contribute nothing because an expression of the facts view raised an error. Appended by writers without an index, folded by the worker';

CREATE TABLE kpi.source_state (
    source       text PRIMARY KEY,
    computed_at  timestamptz,
    merged_at    timestamptz,
    last_error   text,
    last_error_at timestamptz,
    sampled_at   timestamptz,
    differed_at  timestamptz,
    differed     daterange,
    analyzed_bytes int8
);
COMMENT ON TABLE kpi.source_state IS 'What the worker last did for each source: window recomputed, deltas merged, last error';
COMMENT ON COLUMN kpi.source_state.computed_at IS 'Window capture: snapshot time of the last recompute, shown as as_of';
COMMENT ON COLUMN kpi.source_state.sampled_at IS 'When the worker last compared a sample of closed days with the facts view';
COMMENT ON COLUMN kpi.source_state.differed_at IS 'When such a sample last differed; differed: the days, which became a dirty range';
COMMENT ON COLUMN kpi.source_state.analyzed_bytes IS 'Size of the rollups when the planner''s statistics were last collected; NULL: due';

SELECT pg_catalog.pg_extension_config_dump('kpi.source', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.measure', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.counted', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.metric', '');

CREATE TABLE kpi.target (
    metric     text NOT NULL REFERENCES kpi.metric ON UPDATE CASCADE ON DELETE CASCADE,
    segment    jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(segment) = 'object'),
    first_day  date NOT NULL,
    last_day   date NOT NULL CHECK (last_day >= first_day),
    value      numeric NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (metric, segment, first_day)
);
COMMENT ON TABLE kpi.target IS 'What metrics are to reach, by period: reports show it and compare with it by pace. Written by kpi.set_target; periods of one metric and segment do not overlap';
COMMENT ON COLUMN kpi.target.segment IS 'Of which the target is, as the filters of kpi.query; {}: of all';
COMMENT ON COLUMN kpi.target.value IS 'Of the whole period where days add up to it, else of each day';
SELECT pg_catalog.pg_extension_config_dump('kpi.target', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.dirty', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.capture_error', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.source_state', '');

GRANT SELECT ON kpi.source, kpi.measure, kpi.counted, kpi.metric, kpi.dirty TO PUBLIC;
-- Error texts can quote data: they are for those who may read the facts view.
ALTER TABLE kpi.capture_error ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON kpi.capture_error FOR SELECT USING (EXISTS (
    SELECT FROM kpi.source s WHERE s.name = capture_error.source AND pg_catalog.has_table_privilege(s.facts, 'SELECT')));
GRANT SELECT ON kpi.capture_error TO PUBLIC;
-- Likewise: kpi.status() shows them to those who may read the facts view.
GRANT SELECT (source, computed_at, merged_at, last_error_at) ON kpi.source_state TO PUBLIC;
