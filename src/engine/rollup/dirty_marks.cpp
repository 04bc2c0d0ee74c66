#include "engine/rollup/dirty_marks.hpp"

#include "engine/rollup/settings.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {

std::vector<DirtyMark> seen_marks(const std::string &source) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const pg::LocalSettings settings = plain_settings();
    std::vector<DirtyMark> out;
    const Table found = pg::query(
        R"(SELECT ctid, "from", "to" FROM kpi.dirty WHERE source = $1 ORDER BY "to" DESC, "from")",
        {source}, {.see = pg::See::latest});
    for (const Row &row : found.rows) out.push_back({*row[0], {*row[1], *row[2]}});
    return out;
}

void clear_marks(const std::string &source, const std::vector<DirtyMark> &marks,
                 const DayRange &days) {
    if (marks.empty()) return;
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const pg::LocalSettings settings = plain_settings();
    std::vector<std::string> ids;
    ids.reserve(marks.size());
    for (const DirtyMark &mark : marks) ids.push_back(mark.id);
    pg::execute(R"(
WITH gone AS (DELETE FROM kpi.dirty WHERE ctid = ANY ($2::tid[]) AND source = $1
                 AND "from" < $4::date AND "to" > $3::date
              RETURNING *)
INSERT INTO kpi.dirty (source, "from", "to", why, marked_at)
SELECT source, rest."from", rest."to", why, marked_at
  FROM gone CROSS JOIN LATERAL
       (VALUES ("from", least("to", $3::date)),
               (greatest("from", $4::date), "to")) rest ("from", "to")
 WHERE rest."from" < rest."to")",
                {source, ids, days.from, days.to}, {.see = pg::See::latest});
}

void add_mark(const std::string &source, const DayRange &days, const std::string &why) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::execute(
        R"(INSERT INTO kpi.dirty (source, "from", "to", why) VALUES ($1, $2::date, $3::date, $4))",
        {source, days.from, days.to, why});
}

}  // namespace kpi::engine
