#include "reporting/archive.hpp"

#include <fmt/format.h>

#include <optional>

#include "core/error.hpp"
#include "pg/lock.hpp"
#include "pg/rows.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"

namespace kpi::reporting {
namespace {

constexpr int64_t kSome = 100;

struct Version {
    int64_t id = 0;
    int number = 0;
};

std::optional<Version> latest(ObjectId owner, const Edition &edition) {
    const Table found = pg::query(
        R"(
        SELECT id, version FROM kpi.report
         WHERE kind = $1 AND owner = $2 AND period = pg_catalog.daterange($3, $4, '[]') AND format = $5 AND language = $6
         ORDER BY version DESC LIMIT 1)",
        {edition.name, owner, edition.from, edition.to, edition.format, edition.language});
    if (found.empty()) return std::nullopt;
    return Version{std::stoll(*found.rows[0][0]), std::stoi(*found.rows[0][1])};
}

}  // namespace

void hold(ObjectId owner, const Edition &edition) {
    pg::lock_name(fmt::format("report {} {} {} {} {}", owner.value, edition.name, iso(edition.to),
                              edition.format, edition.language),
                  pg::Sharing::exclusive);
}

int64_t keep(ObjectId owner, const Edition &edition, const Written &written) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const std::optional<Version> last = latest(owner, edition);
    std::string content = written(last ? last->number : 1);
    if (last && pg::value("SELECT 1 FROM kpi.report WHERE id = $1 AND content = $2",
                          {last->id, Bytes{content}}))
        return last->id;
    if (last) content = written(last->number + 1);
    // A version that a snapshot of before does not see fails here, with 40001.
    const Cell id =
        pg::value(R"(
        INSERT INTO kpi.report (kind, owner, period, format, language, object_key, content_type, version,
                                restates, content)
        VALUES ($1, $2, pg_catalog.daterange($3, $4, '[]'), $5, $6, $7, $8, $9, $10::pg_catalog.int8, $11)
            ON CONFLICT DO NOTHING RETURNING id)",
                  {edition.name, owner, edition.from, edition.to, edition.format, edition.language,
                   object_key(edition), content_type(edition), int64_t(last ? last->number + 1 : 1),
                   last ? Param(last->id) : Param(Null{}), Bytes{content}});
    return std::stoll(id.value());
}

std::string content(ObjectId caller, int64_t id) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Cell mine = pg::value(
        "SELECT kpi._may_run($2, r.owner) FROM kpi.report r WHERE r.id = $1", {id, caller});
    if (!mine)
        throw Error("42704", fmt::format("there is no report {}", id), {},
                    "SELECT id, kind, period, format FROM kpi.report lists them.");
    if (mine != "t")
        throw Error("42501", fmt::format("report {} belongs to another role", id), {},
                    "Its owner may read it, and a member of kpi_operator.");
    return pg::bytes_value("SELECT r.content FROM kpi.report r WHERE r.id = $1", {id}, {})
        .value_or("");
}

bool forget_old_reports() {
    const int64_t gone = pg::execute(R"(
        DELETE FROM kpi.report WHERE id IN (
            SELECT r.id FROM kpi.report r
             WHERE r.made_at < pg_catalog.clock_timestamp() - pg_catalog.make_interval(days => $1::pg_catalog.int4)
               AND NOT EXISTS (SELECT FROM kpi.outbox o WHERE o.report = r.id)
             ORDER BY r.made_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
                                     {int64_t(pg::settings().report_retention), kSome});
    return gone == kSome;
}

}  // namespace kpi::reporting
