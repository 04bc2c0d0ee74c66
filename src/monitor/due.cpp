#include "monitor/due.hpp"

#include <fmt/format.h>

#include <string_view>

#include "pg/settings.hpp"

namespace kpi::monitor {
namespace {

constexpr int kForgotten = 10000;  // rows deleted in one transaction

}  // namespace

std::optional<Taken> take_due(const std::string &kind, const std::string &among) {
    const Table taken = pg::query(fmt::format(R"(
        WITH due AS MATERIALIZED (
            SELECT x.name, x.every, s.begun_by <> pg_catalog.pg_backend_pid() AS died
              FROM kpi.{0} x LEFT JOIN kpi.{0}_state s ON s.name = x.name
             WHERE x.enabled AND coalesce(s.due_at, '-infinity') <= pg_catalog.clock_timestamp() AND {1}
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = s.begun_by AND a.pid <> pg_catalog.pg_backend_pid())
             ORDER BY s.due_at NULLS FIRST, x.name LIMIT 1)
        INSERT INTO kpi.{0}_state AS s (name, begun_at, begun_by, due_at)
        SELECT name, pg_catalog.clock_timestamp(), pg_catalog.pg_backend_pid(), pg_catalog.clock_timestamp() + every FROM due
            ON CONFLICT (name) DO UPDATE SET begun_at = excluded.begun_at, begun_by = excluded.begun_by, due_at = excluded.due_at
        RETURNING name, (SELECT died FROM due))",
                                              kind, among));
    if (taken.empty()) return std::nullopt;
    return Taken{*taken.rows[0][0], taken.rows[0][1] == "t"};
}

bool forget_older(const std::string &table) {
    return pg::execute(
               fmt::format("DELETE FROM {0} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {0} WHERE at "
                           "< pg_catalog.clock_timestamp() - pg_catalog.make_interval(days => "
                           "$1::pg_catalog.int4) LIMIT $2))",
                           table),
               {int64_t(pg::settings().check_retention), int64_t(kForgotten)}) == kForgotten;
}

void see(const Sighting &sighting) {
    pg::query(fmt::format(R"(
        SELECT kpi._observe($1, $2, $3, $4, $5::boolean, coalesce((SELECT x.sinks FROM kpi.{0} x WHERE x.name = $6), '{{}}'),
                   coalesce((SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.oid = $7),
                            (SELECT e.extowner FROM pg_catalog.pg_extension e WHERE e.extname = 'kpi_ext'))::pg_catalog.regrole,
                   pg_catalog.jsonb_build_object('{0}', $6, 'lines', pg_catalog.jsonb_build_array($8))))",
                          sighting.kind),
              {sighting.fingerprint, sighting.incident, sighting.title, sighting.severity,
               sighting.failing ? Param(*sighting.failing) : Param(Null{}), sighting.name,
               sighting.owner, sighting.line});
}

bool is_spanish() {
    const char *language = pg::settings().language;
    return language != nullptr && std::string_view(language) == "es";
}

const char *in_language(const char *english, const char *spanish) {
    return is_spanish() ? spanish : english;
}

}  // namespace kpi::monitor
