-- Who may call what. Reading functions are open and check the caller's right on the facts view; everything that writes is
-- for kpi_admin, and checks ownership besides. docs/security.md says why.

GRANT EXECUTE ON FUNCTION
    kpi.track(regclass, name, name[], text, text, text, interval, interval, text, jsonb),
    kpi.untrack(text),
    kpi.add_measure(text, text, jsonb),
    kpi.define(text, text, text, text, text),
    kpi.undefine(text),
    kpi.set_unit(text, text, text, int),
    kpi.set_target(text, numeric, date, date, jsonb),
    kpi.merge(text),
    kpi.rebuild(text, timestamptz, timestamptz),
    kpi.freeze(text, timestamptz),
    kpi.wake(),
    kpi.watch_view(regclass),
    kpi.unwatch_view(regclass),
    kpi.refresh(regclass, boolean, boolean),
    kpi.install_sales,
    kpi.uninstall_sales,
    kpi.add_event(text, text, date, date, jsonb, text, timestamptz, timestamptz),
    kpi.drop_event(bigint),
    kpi.load_holidays(text, int, int, jsonb, text),
    kpi.add_sink(text, text, text, jsonb, jsonb),
    kpi.sinks_from_environment(),
    kpi.drop_sink(text),
    kpi.share_sink(text, regrole),
    kpi.unshare_sink(text, regrole),
    kpi.test_sink(text),
    kpi.notify(text, jsonb, text, timestamptz, text),
    kpi.notify(text, bytea, text, text, jsonb, text, timestamptz, text),
    kpi.redeliver(bigint),
    kpi.cancel(bigint),
    kpi.publish(text, text[], name[], integer, text, interval),
    kpi.unpublish(text),
    kpi.purge(interval),
    kpi.ack(bigint),
    kpi.assign(bigint, text),
    kpi.comment(bigint, text),
    kpi.feedback(bigint, text),
    kpi.silence(jsonb, timestamptz, text),
    kpi.drop_silence(bigint),
    kpi.add_check(text, text, text, regclass, name, jsonb, text, text[], interval),
    kpi.alter_check(text, jsonb, text, text[], interval, boolean),
    kpi.drop_check(text),
    kpi.run_checks(text),
    kpi.mark_sensitive(regclass, name, boolean),
    kpi.add_probe(text, text, interval, interval, text, text[]),
    kpi.alter_probe(text, text, interval, interval, text, text[], boolean),
    kpi.drop_probe(text),
    kpi.run_probes(text),
    kpi.add_rule,
    kpi.alter_rule(text, jsonb),
    kpi.drop_rule(text),
    kpi.test_rule(text),
    kpi.runbook(text),
    kpi.backtest(text, timestamptz, timestamptz),
    kpi.keep_history(text, integer, name[], text),
    kpi.drop_history(text, name[], text),
    kpi.make_report(text, date, text, text),
    kpi.report_content(bigint),
    kpi.notify_report(text, bigint, jsonb, text, timestamptz, text),
    kpi.send_report(text, date, text[], text[], text),
    kpi.run_reports(text),
    kpi.add_report(text, text, text[], text[], text, jsonb, text, text),
    kpi.alter_report(text, text[], text[], text, jsonb, boolean, text, text),
    kpi.drop_report(text)
    TO kpi_admin;
GRANT EXECUTE ON FUNCTION kpi.schedule(), kpi.schedule(text, text, text, interval, boolean, text[]), kpi.unschedule(text), kpi.run_now(text) TO kpi_admin;
GRANT EXECUTE ON PROCEDURE kpi.run_due(text) TO kpi_admin;
GRANT SELECT ON kpi.job, kpi.run, kpi.job_status TO kpi_admin;
GRANT SELECT ON kpi.job_status TO kpi_reader;
-- What counts for everybody's rules is not for one who may only define their own.
GRANT EXECUTE ON FUNCTION kpi.load_environment(text, text), kpi.drop_environment(text) TO kpi_operator;
GRANT EXECUTE ON FUNCTION kpi.config(), kpi.threshold_value(text), kpi.prometheus_rules(text) TO kpi_admin, kpi_reader;
GRANT EXECUTE ON FUNCTION kpi.rotate_link_key() TO kpi_admin;
GRANT EXECUTE ON FUNCTION kpi.incident_link(bigint, text) TO kpi_operator;
GRANT EXECUTE ON FUNCTION kpi.read_link(text), kpi.follow_link(text) TO kpi_reader, kpi_operator;
-- Row security shows each of them its own; kpi_reader sees figures without contents.
GRANT SELECT ON kpi.sink, kpi.sink_share, kpi.outbox, kpi.delivery, kpi.outbox_stats TO kpi_admin;
GRANT EXECUTE ON FUNCTION kpi._may_run(oid, oid), kpi._may_watch(oid, oid) TO kpi_admin, kpi_reader;
GRANT SELECT ON kpi.publication, kpi.publication_state TO kpi_admin;
GRANT SELECT ON kpi.report, kpi.report_plan, kpi.announcement, kpi.target TO kpi_admin;
GRANT SELECT ON kpi.outbox_stats TO kpi_reader;
GRANT SELECT ON kpi.incident, kpi.incident_event, kpi.incident_message, kpi.silence, kpi.open_incident, kpi.incident_stats, kpi.rule, kpi.rule_status, kpi.history_status TO kpi_admin;
GRANT SELECT ON kpi.incident_stats TO kpi_reader;
GRANT SELECT ON kpi.check, kpi.check_result, kpi.check_status, kpi.probe, kpi.probe_run, kpi.probe_plan, kpi.probe_stats TO kpi_admin;
GRANT SELECT ON kpi.check_status, kpi.probe_stats TO kpi_reader;
GRANT SELECT ON kpi.view_state, kpi.probe_history, kpi.incident_history TO kpi_admin, kpi_reader;
GRANT EXECUTE ON FUNCTION kpi.backup_alerts(text, boolean), kpi._no_such(text, text, text[]) TO kpi_admin, kpi_reader;
GRANT EXECUTE ON PROCEDURE kpi.work() TO kpi_admin;
