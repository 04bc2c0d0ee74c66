#include "engine/rollup/sample.hpp"

#include <fmt/format.h>

#include "engine/registry/tables.hpp"
#include "engine/rollup/dirty_marks.hpp"
#include "engine/rollup/mutex.hpp"
#include "engine/rollup/reconcile.hpp"
#include "engine/rollup/settings.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

constexpr int kSampleDays = 3;

}  // namespace

DayRange sample_days(const std::string &source, const std::string &begin) {
    const Table found = pg::query(fmt::format(R"(
SELECT day, least(day + {1}, today)
  FROM (SELECT CASE WHEN NOT pg_catalog.isfinite($2::date)
                    THEN first + pg_catalog.floor(pg_catalog.random() * (today - first))::int4
                    WHEN $2::date >= first AND $2::date < today THEN $2::date ELSE first END AS day, today
          FROM (SELECT (SELECT min(day) FROM {0} WHERE level = 0 AND pg_catalog.isfinite(day)) AS first,
                       (pg_catalog.clock_timestamp() AT TIME ZONE timezone)::date AS today
                  FROM kpi.source WHERE name = $1) bounds
         WHERE first < today) drawn)",
                                              data_table(source, "rollup_day"), kSampleDays),
                                  {source, begin});
    if (found.empty()) return {"infinity", "infinity"};
    return {*found.rows[0][0], *found.rows[0][1]};
}

void note_sample(const std::string &source, const DayRange &differing) {
    const bool differ = differing.from != differing.to;
    if (differ) add_mark(source, differing, "a sample differed from the facts view");
    pg::execute(R"(
INSERT INTO kpi.source_state AS st (source, sampled_at, differed_at, differed)
SELECT name, pg_catalog.clock_timestamp(), CASE WHEN $2 THEN pg_catalog.clock_timestamp() END,
       CASE WHEN $2 THEN pg_catalog.daterange($3::date, $4::date) END FROM kpi.source WHERE name = $1
    ON CONFLICT (source) DO UPDATE SET sampled_at = EXCLUDED.sampled_at,
       differed_at = coalesce(EXCLUDED.differed_at, st.differed_at), differed = coalesce(EXCLUDED.differed, st.differed))",
                {source, differ, differing.from, differing.to});
}

Progress rewrite_sample(const std::string &name, const DayRange &differing) {
    const pg::LocalSettings settings = plain_settings();
    const Layout source = load_layout(name, pg::Access::read_write);
    if (!lock_source({source.base, source.info.facts, source.delta_id}, Wait::no))
        return {.busy = true};
    return mend(source, differing, Method::rewrite);
}

}  // namespace kpi::engine
