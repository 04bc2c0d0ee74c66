// Steps of the worker that only tidy: hour retention and the fold of capture errors.
#include "engine/rollup/layout.hpp"
#include "engine/rollup/mutex.hpp"
#include "engine/rollup/settings.hpp"
#include "engine/rollup/upkeep.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

#include <fmt/format.h>

namespace kpi::engine {
namespace {

// A view that fails with the value in the message ("invalid input syntax: ..") must not fill the
// table: beyond this many per source the oldest share one row.
constexpr int64_t kMostMessages = 100;

constexpr const char *kNewStart = R"(
SELECT d
  FROM (SELECT ((clock_timestamp() - hour_retention) AT TIME ZONE timezone)::date AS d, hours_from
                 FROM kpi.source WHERE name = $1) s WHERE d > hours_from)";

}  // namespace

Progress expire_hours(const std::string &name) {
    const pg::LocalSettings settings = merge_settings();
    if (!pg::value(kNewStart, {name}, {.see = pg::See::latest})) return {};
    const Layout source = load_layout(name, pg::Access::read_write);
    if (!lock_source({.delta = source.delta_id}, Wait::no)) return {.busy = true};
    const auto start = pg::value(kNewStart, {name}, {.see = pg::See::latest});
    if (!start) return {};
    {
        const pg::RunAs as_extension_owner(pg::extension_owner());
        pg::execute("UPDATE kpi.source SET hours_from = $2::date WHERE name = $1", {name, *start},
                    {.see = pg::See::latest});
    }
    const pg::RunAs as_owner(source.info.owner, pg::Restriction::code);
    Progress step;
    for (const int level : source.levels())
        step.rows += pg::execute(
            fmt::format("DELETE FROM {} WHERE level = {} AND day < $1::date", source.hour, level),
            {*start}, {.see = pg::See::latest});
    return step;
}

int64_t fold_capture_errors() {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const pg::LocalSettings settings = plain_settings();
    const bool unfolded =
        pg::value(
            "SELECT true FROM kpi.capture_error GROUP BY source, sqlstate, message "
            "HAVING count(*) > 1 LIMIT 1",
            {}, {.see = pg::See::latest})
            .has_value();
    const bool too_many =
        pg::value("SELECT true FROM kpi.capture_error GROUP BY source HAVING count(*) > $1 LIMIT 1",
                  {kMostMessages + 1}, {.see = pg::See::latest})
            .has_value();
    if (!unfolded && !too_many) return 0;
    return pg::execute(R"(
WITH gone AS (DELETE FROM kpi.capture_error RETURNING *),
folded AS (SELECT source, sqlstate, message, min(first_at) AS first_at, max(last_at) AS last_at,
                  sum(rows) AS rows
             FROM gone GROUP BY source, sqlstate, message),
placed AS (SELECT *, row_number() OVER (PARTITION BY source ORDER BY last_at DESC) > $1 AS old
             FROM folded)
INSERT INTO kpi.capture_error (source, sqlstate, message, first_at, last_at, rows)
SELECT source, CASE WHEN old THEN '22000' ELSE sqlstate END,
       CASE WHEN old THEN 'other data errors' ELSE message END,
       min(first_at), max(last_at), sum(rows)::int8
  FROM placed GROUP BY 1, 2, 3)",
                       {kMostMessages}, {.see = pg::See::latest});
}

}  // namespace kpi::engine
