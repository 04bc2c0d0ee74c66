// SQL functions of timed queries: kpi.add_probe, kpi.alter_probe, kpi.drop_probe, kpi.run_probes.
#include "monitor/probe/definition.hpp"
#include "monitor/probe/record.hpp"
#include "pg/function.hpp"
#include "pg/lock.hpp"

using kpi::pg::optional_text;
using kpi::pg::text_argument;

KPI_FUNCTION(add_probe) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::monitor::NewProbe probe;
    probe.name = text_argument(fcinfo, 0);
    probe.sql = text_argument(fcinfo, 1);
    probe.every = text_argument(fcinfo, 2);
    probe.slow = text_argument(fcinfo, 3);
    probe.severity = text_argument(fcinfo, 4);
    if (!PG_ARGISNULL(5)) probe.sinks = kpi::pg::text_array(fcinfo, 5);
    const kpi::pg::Spi spi;
    kpi::monitor::add_probe(caller, probe);
    PG_RETURN_VOID();
}

KPI_FUNCTION(alter_probe) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::string name = text_argument(fcinfo, 0);
    kpi::monitor::ProbeChange change;
    change.sql = optional_text(fcinfo, 1);
    change.every = optional_text(fcinfo, 2);
    change.slow = optional_text(fcinfo, 3);
    change.severity = optional_text(fcinfo, 4);
    if (!PG_ARGISNULL(5)) change.sinks = kpi::pg::text_array(fcinfo, 5);
    if (!PG_ARGISNULL(6)) change.enabled = PG_GETARG_BOOL(6);
    const kpi::pg::Spi spi;
    kpi::monitor::alter_probe(caller, name, change);
    PG_RETURN_VOID();
}

KPI_FUNCTION(drop_probe) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::string name = text_argument(fcinfo, 0);
    const kpi::pg::Spi spi;
    kpi::monitor::drop_probe(caller, name);
    PG_RETURN_VOID();
}

KPI_FUNCTION(run_probes) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::optional<std::string> name = optional_text(fcinfo, 0);
    const kpi::pg::Spi spi;
    kpi::pg::ResultSet result(fcinfo);
    std::vector<std::string> names;
    const kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
    std::vector<std::pair<kpi::monitor::Probe, kpi::monitor::ProbeRun>> runs;
    for (const kpi::monitor::Probe &probe : kpi::monitor::probes_of_caller(caller, name)) {
        names.push_back(probe.name);
        runs.emplace_back(probe, kpi::monitor::run_probe(probe));
    }
    kpi::monitor::record(runs);
    result.append_query(
        "SELECT DISTINCT ON (r.name COLLATE \"C\") r.name, r.milliseconds, r.rows, r.slow, "
        "r.plan_changed, r.error FROM kpi.probe_run r WHERE r.name = ANY ($1) ORDER BY r.name "
        "COLLATE \"C\", r.at DESC",
        {names}, {});
    return Datum(0);
}
