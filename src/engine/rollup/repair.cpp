// Steps of the worker that read the facts view: repair of dirty ranges and the window of window
// capture.
#include <fmt/format.h>

#include "engine/rollup/chunk.hpp"
#include "engine/rollup/dirty_marks.hpp"
#include "engine/rollup/mutex.hpp"
#include "engine/rollup/reconcile.hpp"
#include "engine/rollup/settings.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

bool lock_for_repair(const Layout &source) {
    return lock_source({source.base, source.info.facts, source.delta_id}, Wait::no);
}

std::string window_start(const std::string &source) {
    return pg::value(
               "SELECT ((pg_catalog.clock_timestamp() - lookback) AT TIME ZONE "
               "timezone)::pg_catalog.date "
               "FROM kpi.source WHERE name = $1",
               {source}, {.see = pg::See::latest})
        .value_or("-infinity");
}

std::string now() { return pg::value("SELECT pg_catalog.clock_timestamp()").value_or(""); }

void set_computed_at(const std::string &source, const std::string &at) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::execute(
        "INSERT INTO kpi.source_state (source, computed_at) VALUES ($1, "
        "$2::pg_catalog.timestamptz) "
        "ON CONFLICT (source) DO UPDATE SET computed_at = EXCLUDED.computed_at",
        {source, at}, {.see = pg::See::latest});
}

}  // namespace

std::vector<std::string> workable_sources() {
    std::vector<std::string> out;
    // Every partition's trigger must fire always, and that of no other table: a repair would take
    // marks away that stand for rows still to be missed, or counted.
    const Table found = pg::query(R"(
SELECT s.name FROM kpi.source s
 WHERE pg_catalog.to_regclass('kpi_data.' || pg_catalog.quote_ident(s.name || '_rollup_hour'))
       IS NOT NULL
   AND (s.capture = 'window' OR NOT EXISTS (
     SELECT FROM pg_catalog.pg_inherits i
      WHERE i.inhdetachpending AND (i.inhparent = s.base OR EXISTS (
        SELECT FROM pg_catalog.pg_partition_ancestors(i.inhparent) a WHERE a.relid = s.base))))
   AND (s.capture = 'window' OR NOT EXISTS (
     SELECT FROM (SELECT s.base::pg_catalog.oid AS oid
                  UNION SELECT relid FROM pg_catalog.pg_partition_tree(s.base)) p
      WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger t
         WHERE t.tgrelid = p.oid AND t.tgenabled = 'A'
           AND t.tgname = ('kpi_capture_' || s.name)::pg_catalog.name)))
 ORDER BY s.name)");
    for (const Row &row : found.rows) out.push_back(*row[0]);
    return out;
}

Progress repair(const std::string &name) {
    const pg::LocalSettings settings = plain_settings();
    if (seen_marks(name).empty()) return {};
    const Layout source = load_layout(name, pg::Access::read_write);
    if (!lock_for_repair(source)) return {.busy = true};
    const std::vector<DirtyMark> marks = seen_marks(name);
    if (marks.empty()) return {};
    const std::string at = now();
    const DayRange days = latest_chunk(source, marks.front().days);
    Progress step = mend(source, days, Method::either);
    if (!source.by_trigger() && days.to == "infinity") set_computed_at(name, at);
    step.more = !seen_marks(name).empty();
    return step;
}

Progress recompute_window(const std::string &name) {
    const pg::LocalSettings settings = plain_settings();
    const Layout source = load_layout(name, pg::Access::read_write);
    if (source.by_trigger()) return {};
    if (!lock_for_repair(source)) return {.busy = true};
    const std::string at = now();
    Progress step = mend(source, {.from = window_start(name)}, Method::either);
    set_computed_at(name, at);
    return step;
}

}  // namespace kpi::engine
