-- Who may call what. Reading functions are open and check the caller's right on the facts view; everything that writes is
-- for kpi_admin, and checks ownership besides. docs/security.md says why.

-- Roles belong to the cluster: another database may have made it, at this very moment too, and DROP EXTENSION leaves it.
DO $$
BEGIN
    IF pg_catalog.to_regrole('kpi_admin') IS NULL THEN
        CREATE ROLE kpi_admin NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$;

GRANT EXECUTE ON FUNCTION
    kpi.track(regclass, name, name[], text, text, text, interval, interval, text),
    kpi.untrack(text),
    kpi.define(text, text, text, text, text),
    kpi.undefine(text),
    kpi.merge(text),
    kpi.rebuild(text, timestamptz, timestamptz),
    kpi.freeze(text, timestamptz),
    kpi.wake(),
    kpi.watch_view(regclass),
    kpi.unwatch_view(regclass),
    kpi.refresh(regclass, boolean, boolean),
    kpi.install_sales,
    kpi.uninstall_sales,
    kpi.add_event(text, text, date, date, jsonb, text),
    kpi.drop_event(bigint),
    kpi.load_holidays(text, int, int, jsonb, text),
    kpi.add_sink(text, text, text, jsonb, jsonb),
    kpi.sinks_from_environment(),
    kpi.drop_sink(text),
    kpi.test_sink(text),
    kpi.notify(text, jsonb, text, timestamptz, text),
    kpi.notify(text, bytea, text, text, jsonb, text, timestamptz, text),
    kpi.redeliver(bigint),
    kpi.cancel(bigint),
    kpi.purge(interval)
    TO kpi_admin;
GRANT SELECT ON kpi.sink, kpi.outbox, kpi.delivery, kpi.outbox_stats TO kpi_admin;
GRANT EXECUTE ON PROCEDURE kpi.work() TO kpi_admin;
