-- Materialized views on top of KPIs.

CREATE TABLE kpi.view (
    view          regclass PRIMARY KEY,
    watched_at    timestamptz NOT NULL DEFAULT now(),
    refreshed_at  timestamptz,
    duration      interval,
    last_error    text,
    last_error_at timestamptz,
    rows          bigint,
    max_day       date,
    timezone      text
);
COMMENT ON TABLE kpi.view IS 'Materialized views that the worker keeps fresh. Written by kpi.watch_view and kpi.unwatch_view';
COMMENT ON COLUMN kpi.view.refreshed_at IS 'Everything merged before this is in the view';
COMMENT ON COLUMN kpi.view.rows IS 'How many rows the last refresh left; max_day: the greatest of the first column of type date; timezone: that of the sources that the view reads';
SELECT pg_catalog.pg_extension_config_dump('kpi.view', '');

CREATE FUNCTION kpi._view_sources(view oid) RETURNS TABLE (source text)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 3 SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        -- Everything a query reads: through views, down to tables.
        WITH RECURSIVE reads (root, rel) AS (
            SELECT _view_sources.view, _view_sources.view
             UNION SELECT s.facts::oid, s.facts::oid FROM kpi.source s
             UNION
            SELECT r.root, d.refobjid
              FROM reads r
              JOIN pg_rewrite w ON w.ev_class = r.rel
              JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                              AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.rel
        ), own (rel) AS (
            SELECT r.rel FROM reads r WHERE r.root = _view_sources.view
        ), calls (is_any) AS (
            -- The reading functions name their sources in text: they count for all.
            SELECT EXISTS (SELECT FROM own o
                             JOIN pg_rewrite w ON w.ev_class = o.rel
                             JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                                             AND d.refclassid = 'pg_proc'::regclass
                             JOIN pg_proc p ON p.oid = d.refobjid AND p.pronamespace = 'kpi'::regnamespace
                            WHERE p.proname IN ('query', 'query_json', 'value', 'summary'))
        )
        SELECT s.name FROM kpi.source s
         WHERE (SELECT is_any FROM calls)
            OR EXISTS (SELECT FROM reads r JOIN own o USING (rel) WHERE r.root = s.facts::oid)
            OR EXISTS (SELECT FROM own o JOIN pg_class c ON c.oid = o.rel
                        WHERE c.relnamespace = 'kpi_data'::regnamespace
                          AND c.relname IN (s.name || '_delta', s.name || '_rollup_day', s.name || '_rollup_hour'));
    END;
COMMENT ON FUNCTION kpi._view_sources(oid) IS
    'The sources whose changes a view shows: those whose facts view, tables or kpi_data it reads, directly or through other views; all of them when it calls a reading function';

CREATE FUNCTION kpi.watch_view(view regclass) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_watch_view';
COMMENT ON FUNCTION kpi.watch_view(regclass) IS
    'Has the worker refresh a materialized view, at most every kpi.refresh_interval, when a source that it reads has changed. The caller must own the view';

CREATE FUNCTION kpi.unwatch_view(view regclass) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_unwatch_view';
COMMENT ON FUNCTION kpi.unwatch_view(regclass) IS 'Ends what kpi.watch_view began. The caller must own the view';

CREATE FUNCTION kpi.refresh(view regclass DEFAULT NULL, concurrently boolean DEFAULT true, "analyze" boolean DEFAULT NULL)
    RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_refresh';
COMMENT ON FUNCTION kpi.refresh(regclass, boolean, boolean) IS
    'Refreshes a materialized view as its owner, without a view all watched ones that are dirty; returns how many. Concurrently where a unique index and a filled view allow it; analyze NULL: when the view was not filled before. The caller must own the view';
REVOKE EXECUTE ON FUNCTION kpi.watch_view(regclass), kpi.unwatch_view(regclass), kpi.refresh(regclass, boolean, boolean) FROM PUBLIC;
-- Error texts can quote data: they are not for everybody.
GRANT SELECT (view, watched_at, refreshed_at, duration, last_error_at) ON kpi.view TO PUBLIC;
