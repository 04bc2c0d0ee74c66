-- From a facts view to a source and back.

CREATE FUNCTION kpi.track(facts regclass, time_column name, dimensions name[] DEFAULT '{}', name text DEFAULT NULL,
    timezone text DEFAULT NULL, capture text DEFAULT 'auto', lookback interval DEFAULT '3 days',
    hour_retention interval DEFAULT '60 days', build text DEFAULT 'auto', aggregates jsonb DEFAULT '{}') RETURNS text
    LANGUAGE c VOLATILE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'kpi_ext_track';
COMMENT ON FUNCTION kpi.track(regclass, name, name[], text, text, text, interval, interval, text, jsonb) IS
    'Tracks a facts view: every numeric column that is neither time nor dimension becomes a measure, kept by hour and day for the total, each dimension and each segment. aggregates: measures that do not add up, such as {"customers": {"distinct": "customer_id"}, "dearest": {"max": "price"}, "delay": {"percentiles": "arr_delay", "error": 0.01}, "stock": {"last": "level"}} (distinct, min, max, percentiles, first, last); columns of distinct are no sums. Returns the name of the source. Needs ownership of the view and of its table';
REVOKE ALL ON FUNCTION kpi.track(regclass, name, name[], text, text, text, interval, interval, text, jsonb) FROM PUBLIC;

CREATE FUNCTION kpi.add_measure(source text, name text, definition jsonb) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_add_measure';
COMMENT ON FUNCTION kpi.add_measure(text, text, jsonb) IS
    'Adds a measure to a source that is tracked already: definition is {"distinct": "customer_id"} or another aggregate as kpi.track takes it, or {"sum": "amount"} for a numeric column that the facts view has got since. Right from the commit on; until it is built, readers read the facts view. Refused while days are frozen. Needs ownership of the view and of its table';
REVOKE ALL ON FUNCTION kpi.add_measure(text, text, jsonb) FROM PUBLIC;

CREATE FUNCTION kpi.untrack(source text) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_untrack';
COMMENT ON FUNCTION kpi.untrack(text) IS 'Stops tracking: drops the triggers, the rollups and the measures of the source; the facts view stays. A source is named by its own name or by its facts view''s (schema.view), here and wherever a function takes one';
REVOKE ALL ON FUNCTION kpi.untrack(text) FROM PUBLIC;
