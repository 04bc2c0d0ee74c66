#include "monitor/probe/definition.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "monitor/check/rights.hpp"
#include "monitor/probe/record.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"
#include "pg/statement.hpp"

namespace kpi::monitor {
namespace {

constexpr const char *kSelect = R"(
SELECT p.name, p.sql, p.severity, extract(epoch FROM p.slow)::float8 * 1000, p.owner::pg_catalog.oid,
       EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = p.owner) FROM kpi.probe p )";

Probe probe_of(const Row &row) {
    Probe probe{.name = *row[0], .sql = *row[1], .severity = *row[2]};
    probe.slow = std::stod(*row[3]);
    probe.owner = {uint32_t(std::stoul(*row[4]))};
    probe.owner_exists = row[5] == "t";
    return probe;
}

void check_slow(const std::string &slow) {
    if (pg::value("SELECT $1::pg_catalog.interval > '0'", {slow}) == "t") return;
    throw Error("22023", "argument \"slow\" must be greater than 0");
}

Param text_or_null(const std::optional<std::string> &text) {
    return text ? Param(*text) : Param(Null{});
}

}  // namespace

void add_probe(ObjectId caller, const NewProbe &probe) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    demand_name("probe", probe.name);
    demand_severity(probe.severity);
    demand_every(probe.every);
    check_slow(probe.slow);
    demand_sinks(probe.sinks);
    const std::string sql = pg::readable_select(caller, probe.sql);
    if (pg::value("SELECT 1 FROM kpi.probe WHERE name = $1", {probe.name}))
        throw Error("42710", fmt::format("probe \"{}\" exists already", probe.name), {},
                    "Change it with kpi.alter_probe or remove it with kpi.drop_probe.");
    pg::execute(
        "INSERT INTO kpi.probe (name, sql, slow, every, severity, sinks, owner) VALUES ($1, $2, "
        "$3::pg_catalog.interval, $4::pg_catalog.interval, $5, $6, $7)",
        {probe.name, sql, probe.slow, probe.every, probe.severity, probe.sinks, caller});
}

void alter_probe(ObjectId caller, const std::string &name, const ProbeChange &change) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Probe probe = probes_of_caller(caller, name).front();
    if (change.severity) demand_severity(*change.severity);
    if (change.every) demand_every(*change.every);
    if (change.slow) check_slow(*change.slow);
    if (change.sinks) demand_sinks(*change.sinks);
    std::optional<std::string> sql;
    if (change.sql) sql = pg::readable_select(probe.owner, *change.sql);
    pg::execute(
        "UPDATE kpi.probe SET sql = coalesce($2, sql), slow = coalesce($3::pg_catalog.interval, "
        "slow), every = coalesce($4::pg_catalog.interval, every), severity = coalesce($5, "
        "severity), enabled = coalesce($6::pg_catalog.bool, enabled) WHERE name = $1",
        {name, text_or_null(sql), text_or_null(change.slow), text_or_null(change.every),
         text_or_null(change.severity), change.enabled ? Param(*change.enabled) : Param(Null{})});
    if (change.sinks)
        pg::execute("UPDATE kpi.probe SET sinks = $2 WHERE name = $1", {name, *change.sinks});
    pg::execute("UPDATE kpi.probe_state SET due_at = '-infinity' WHERE name = $1", {name});
    if (change.enabled == false) let_go(probe);
}

void drop_probe(ObjectId caller, const std::string &name) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Probe probe = probes_of_caller(caller, name).front();
    for (const char *table : {"probe", "probe_state", "probe_run", "probe_plan"})
        pg::execute(fmt::format("DELETE FROM kpi.{} WHERE name = $1", table), {name});
    let_go(probe);
}

std::vector<Probe> probes_of_caller(ObjectId caller, const std::optional<std::string> &name) {
    std::vector<Probe> probes;
    if (name) {
        const std::optional<Probe> probe = load_probe(*name);
        if (!probe)
            throw Error("42704", fmt::format("probe \"{}\" does not exist", *name), {},
                        "SELECT name FROM kpi.probe_stats lists those that you may run.");
        demand_run(caller, probe->owner, fmt::format("probe \"{}\"", *name));
        probes.push_back(*probe);
        return probes;
    }
    const Table found = pg::query(
        std::string(kSelect) + "WHERE p.enabled AND kpi._may_run($1, p.owner) ORDER BY p.name",
        {caller});
    for (const Row &row : found.rows) probes.push_back(probe_of(row));
    return probes;
}

std::optional<Probe> load_probe(const std::string &name) {
    const Table found = pg::query(std::string(kSelect) + "WHERE p.name = $1", {name});
    if (found.empty()) return std::nullopt;
    return probe_of(found.rows[0]);
}

}  // namespace kpi::monitor
