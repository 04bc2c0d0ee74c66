#include "worker/status.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/registry/tables.hpp"
#include "pg/lock.hpp"
#include "pg/seats.hpp"
#include "pg/settings.hpp"
#include "pg/slots.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"

namespace kpi::worker {
namespace {

using nlohmann::json;

constexpr int kCountedDeltas = 100000;  // a longer backlog is not counted to its end

// Kept: dashboards ask every few seconds, and planning is most of the time.
const pg::Options kRead{.access = pg::Access::read_only, .keep = pg::Keep::yes};

json seconds_since(int64_t moment) {
    if (moment == 0) return nullptr;
    return double(pg::now() - moment) / 1e6;
}

// What is wrong with the worker and how to mend it; null: nothing.
json mend(const pg::WorkerState &state, bool wanted, bool recovering) {
    if (recovering)
        return "this is a standby: the worker runs on the primary, and here after promotion";
    if (!pg::shared_ready())
        return "kpi_ext is not in shared_preload_libraries: add it and restart, or schedule CALL "
               "kpi.work()";
    if (!wanted)
        return "kpi.worker is off for this database: ALTER DATABASE ... SET kpi.worker = on, or "
               "schedule CALL kpi.work()";
    if (state.pid != 0) return nullptr;
    if (state.launcher_pid == 0)
        return "the launcher is not running: it comes back within 5 seconds; if the log says \"too "
               "many background workers\", raise max_worker_processes and restart";
    if (state.waiting > 0 && state.refusal == pg::Refusal::max_worker_processes)
        return "all max_worker_processes are in use, databases take turns: raise it and restart";
    if (state.waiting > 0 && state.refusal == pg::Refusal::max_workers)
        return "kpi.max_workers run already, databases take turns: raise it and reload";
    return "the launcher starts the worker within seconds; after failures it waits up to 5 "
           "minutes, see the server's log";
}

json worker_part() {
    const Table known = pg::query(R"(
        SELECT pg_catalog.pg_is_in_recovery(),
               EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
                        WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                          AND s.setrole = 0 AND c LIKE 'kpi.worker=%'
                          AND pg_catalog.split_part(c, '=', 2) IN ('on', 'true', 'yes', '1')))",
                                  {}, kRead);
    const bool recovering = known.rows[0][0] == "t";
    const bool wanted = known.rows[0][1] == "t";
    const pg::WorkerState state = pg::worker_state();
    json out = {{"preloaded", pg::shared_ready()}, {"wanted", wanted}, {"running", state.pid != 0}};
    out["pid"] = state.pid != 0 ? json(state.pid) : json();
    out["courier_pid"] = state.courier_pid != 0 ? json(state.courier_pid) : json();
    out["steward_pid"] = state.steward_pid != 0 ? json(state.steward_pid) : json();
    out["launcher_pid"] = state.launcher_pid != 0 ? json(state.launcher_pid) : json();
    out["heartbeat_age_seconds"] = seconds_since(state.heartbeat_at);
    out["lag_seconds"] = seconds_since(state.drained_at);
    out["rings"] = state.rings;
    out["wakes"] = state.wakes;
    out["rounds"] = state.rounds;
    out["rung"] = state.pending;
    out["databases_waiting"] = state.waiting;
    out["mend"] = mend(state, wanted, recovering);
    const Table activity = pg::query(R"(
        SELECT query, extract(epoch FROM pg_catalog.clock_timestamp() - query_start)::float8
          FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND state = 'active')",
                                     {int64_t(state.pid)}, kRead);
    out["busy_with"] = activity.empty() ? json() : json(activity.rows[0][0].value_or(""));
    out["busy_seconds"] =
        activity.empty() || !activity.rows[0][1] ? json() : json(std::stod(*activity.rows[0][1]));
    return out;
}

json number(const Cell &cell) { return cell ? json(std::stoll(*cell)) : json(); }
json text(const Cell &cell) { return cell ? json(*cell) : json(); }

json source_part(const Row &row) {
    const std::string delta = engine::data_table(*row[0], "delta");
    json out = {
        {"capture", *row[1]}, {"building", row[2] == "t"}, {"dirty_ranges", number(row[3])}};
    out["dirty_days"] = number(row[4]);
    out["merged_at"] = text(row[5]);
    out["computed_at"] = text(row[6]);
    out["last_error"] = text(row[7]);
    out["last_error_at"] = text(row[8]);
    out["skipped_rows"] = number(row[9]);
    out["sampled_at"] = text(row[10]);
    out["differed_at"] = text(row[11]);
    out["differed"] = text(row[12]);
    out["state"] = row[7] ? "set aside" : row[2] == "t" ? "building" : "ok";
    if (!pg::value("SELECT pg_catalog.to_regclass($1)", {delta}, kRead)) {
        out["state"] = "incomplete";
        return out;
    }
    const Table backlog = pg::query(fmt::format(R"(
        SELECT (SELECT pg_catalog.count(*) FROM (SELECT FROM {} LIMIT $1) d),
               pg_catalog.pg_relation_size($2) / pg_catalog.current_setting('block_size')::int8)",
                                                delta),
                                    {int64_t(kCountedDeltas) + 1, delta}, kRead);
    const int64_t deltas = std::stoll(*backlog.rows[0][0]);
    out["deltas"] = std::min<int64_t>(deltas, kCountedDeltas);
    out["deltas_counted"] = deltas <= kCountedDeltas;
    out["delta_pages"] = number(backlog.rows[0][1]);
    return out;
}

json sources_part(ObjectId caller) {
    const Table table = pg::query(R"(
        SELECT s.name, s.capture,
               EXISTS (SELECT FROM kpi.dirty d WHERE d.source = s.name AND d."from" = '-infinity' AND d."to" = 'infinity'),
               (SELECT pg_catalog.count(*) FROM kpi.dirty d WHERE d.source = s.name),
               (SELECT pg_catalog.sum(d."to" - d."from") FROM kpi.dirty d
                 WHERE d.source = s.name AND pg_catalog.isfinite(d."from") AND pg_catalog.isfinite(d."to")),
               st.merged_at, st.computed_at,
               CASE WHEN c.oid IS NULL OR pg_catalog.has_table_privilege($1, c.oid, 'SELECT') THEN st.last_error
                    ELSE pg_catalog.left(st.last_error, 5) END,
               st.last_error_at,
               (SELECT pg_catalog.sum(e.rows)::int8 FROM kpi.capture_error e WHERE e.source = s.name),
               st.sampled_at, st.differed_at, st.differed
          FROM kpi.source s
          LEFT JOIN kpi.source_state st ON st.source = s.name
          LEFT JOIN pg_catalog.pg_class c ON c.oid = s.facts
         ORDER BY s.name)",
                                  {caller}, kRead);
    json out = json::object();
    for (const Row &row : table.rows) out[*row[0]] = source_part(row);
    return out;
}

json views_part() {
    const Table table = pg::query(R"(
        SELECT v.view::pg_catalog.text, v.refreshed_at, extract(epoch FROM v.duration)::float8, pg_catalog.left(v.last_error, 5),
               (SELECT pg_catalog.json_agg(s.source ORDER BY s.source) FROM kpi._view_sources(v.view) s)
          FROM kpi.view v JOIN pg_catalog.pg_class c ON c.oid = v.view ORDER BY 1)",
                                  {}, kRead);
    json out = json::object();
    for (const Row &row : table.rows)
        out[*row[0]] = {{"refreshed_at", text(row[1])},
                        {"seconds", row[2] ? json(std::stod(*row[2])) : json()},
                        {"last_error", text(row[3])},
                        {"sources", row[4] ? json::parse(*row[4]) : json::array()}};
    return out;
}

// Who keeps dead deltas from being cleaned up: the oldest snapshot of sessions, prepared
// transactions and slots.
json holder_part() {
    const Table table = pg::query(R"(
        SELECT who, pg_catalog.age(xmin) FROM (
            SELECT 'session ' || pid || coalesce(' (' || application_name || ')', ''), backend_xmin FROM pg_catalog.pg_stat_activity
             WHERE backend_xmin IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()
             UNION ALL SELECT 'prepared transaction ' || gid, transaction FROM pg_catalog.pg_prepared_xacts
             UNION ALL SELECT 'replication slot ' || slot_name, xmin FROM pg_catalog.pg_replication_slots WHERE xmin IS NOT NULL
        ) h (who, xmin) ORDER BY 2 DESC LIMIT 1)",
                                  {}, kRead);
    if (table.empty()) return nullptr;
    return {{"who", *table.rows[0][0]}, {"age_transactions", number(table.rows[0][1])}};
}

// What the worker does for so long that others wait.
constexpr double kLongWork = 10;

json warnings_part(const json &worker, const json &sources) {
    const Table table = pg::query(R"(
        SELECT pg_catalog.format('publication %s publishes tables of kpi_data: a subscriber would count twice or lack them; publish the base tables only', p.pubname)
          FROM (SELECT DISTINCT pubname FROM pg_catalog.pg_publication_tables WHERE schemaname = 'kpi_data') p
         UNION ALL
        SELECT pg_catalog.format('source %s differed from its facts view on days in %s, found by a sample at %s and repaired: something that the view calls or reads was changed without a trace; kpi.rebuild recomputes the other days',
                                 st.source, st.differed, st.differed_at)
          FROM kpi.source_state st WHERE st.differed_at > pg_catalog.clock_timestamp() - '7 days'::interval
         UNION ALL
        SELECT pg_catalog.format('partition %s is being detached: its sources wait; if nobody is at it, ALTER TABLE %s DETACH PARTITION %1$s FINALIZE',
                                 i.inhrelid::pg_catalog.regclass, i.inhparent::pg_catalog.regclass)
          FROM pg_catalog.pg_inherits i WHERE i.inhdetachpending AND EXISTS (
                SELECT FROM kpi.source s WHERE s.base IN (SELECT a.relid FROM pg_catalog.pg_partition_ancestors(i.inhparent) a))
         ORDER BY 1)",
                                  {}, kRead);
    json out = json::array();
    for (const Row &row : table.rows) out.push_back(*row[0]);
    if (worker["busy_seconds"].is_number() && worker["busy_seconds"].get<double>() > kLongWork)
        out.push_back(fmt::format(
            "the worker is {} for {:.0f} seconds; after kpi.source_timeout it turns to "
            "the other sources",
            worker["busy_with"].get<std::string>(), worker["busy_seconds"].get<double>()));
    for (const auto &[name, source] : sources.items()) {
        if (source["state"] == "set aside")
            out.push_back(
                fmt::format("source {} is set aside after an error and tried again: see "
                            "its last_error; its reads use the facts view or meet "
                            "unmerged deltas meanwhile",
                            name));
        if (source["state"] == "incomplete")
            out.push_back(
                fmt::format("the tables of source {} are missing: restore the rest of "
                            "the dump, or call kpi.untrack and kpi.track again",
                            name));
    }
    return out;
}

}  // namespace

std::string status(ObjectId caller) {
    const pg::RunAs owner(pg::extension_owner());
    json out;
    out["version"] = KPI_VERSION;
    out["worker"] = worker_part();
    out["sources"] = sources_part(caller);
    out["views"] = views_part();
    out["oldest_snapshot"] = holder_part();
    out["warnings"] = warnings_part(out["worker"], out["sources"]);
    const Cell cron =
        pg::value("SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'pg_cron'", {}, kRead);
    out["pg_cron"] = cron.has_value();
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace kpi::worker
