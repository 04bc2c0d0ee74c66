// The planner's statistics of the rollups. Autovacuum looks once a minute at best, and not at all
// where it is off; a read right after the first build must not pay for that.
#include <fmt/format.h>

#include "core/error.hpp"
#include "engine/registry/tables.hpp"
#include "engine/rollup/settings.hpp"
#include "engine/rollup/step.hpp"
#include "engine/rollup/upkeep.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// $1 source, $2 and $3 its rollups: their size when it has outgrown the last look. Empty tables are
// noted without one. No row when a table is gone.
constexpr const char *kOutgrown = R"(
SELECT s.bytes
  FROM kpi.source_state st,
       LATERAL (SELECT pg_catalog.pg_relation_size(pg_catalog.to_regclass($2)) +
                       pg_catalog.pg_relation_size(pg_catalog.to_regclass($3)) AS bytes) s
 WHERE st.source = $1 AND s.bytes IS NOT NULL
   AND (st.analyzed_bytes IS NULL OR s.bytes > 10 * st.analyzed_bytes
        -- A restore brings the note along, not the statistics.
        OR EXISTS (SELECT FROM pg_catalog.pg_class c
                    WHERE c.oid IN (pg_catalog.to_regclass($2), pg_catalog.to_regclass($3))
                      AND c.reltuples < 0 AND pg_catalog.pg_relation_size(c.oid) > 0)))";

void set_analyzed(const std::string &source, const std::string &bytes) {
    pg::execute(
        fmt::format("UPDATE kpi.source_state SET analyzed_bytes = {} WHERE source = $1", bytes),
        {source}, {.see = pg::See::latest});
}

// Never behind vacuum or DDL: what queues here would hold up whoever comes next.
bool lock_at_once(const std::string &table) {
    try {
        pg::Savepoint savepoint;
        pg::execute(fmt::format("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT", table));
        savepoint.release();
        return true;
    } catch (const Error &error) {
        if (error.sqlstate != "55P03") throw;
        return false;
    }
}

}  // namespace

Progress refresh_statistics(const std::string &source) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const pg::LocalSettings settings = plain_settings();
    const std::string tables[] = {data_table(source, "rollup_day"),
                                  data_table(source, "rollup_hour")};
    const Cell bytes =
        pg::value(kOutgrown, {source, tables[0], tables[1]}, {.see = pg::See::latest});
    if (!bytes) return {};
    if (*bytes != "0") {
        for (const std::string &table : tables)
            if (!lock_at_once(table)) return {.busy = true};
        for (const std::string &table : tables) pg::execute("ANALYZE " + table);
    }
    set_analyzed(source, *bytes);
    return {};
}

void forget_statistics(const std::string &source) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    set_analyzed(source, "NULL");
}

}  // namespace kpi::engine
