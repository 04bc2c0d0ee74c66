#include "engine/rollup/step.hpp"

#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {

Progress step_of(const Table &touched) {
    Progress step;
    step.rows = std::stoll(touched.rows.at(0)[0].value_or("0"));
    if (touched.rows.size() > kMaxDays + 1) return step;
    for (const Row &row : touched.rows)
        if (row[1]) step.days.push_back(*row[1]);
    return step;
}

void note_change(const std::string &source) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::execute(
        "INSERT INTO kpi.source_state (source, merged_at) VALUES ($1, "
        "pg_catalog.clock_timestamp()) "
        "ON CONFLICT (source) DO UPDATE SET merged_at = EXCLUDED.merged_at",
        {source}, {.see = pg::See::latest});
}

}  // namespace kpi::engine
