// The merge: moves deltas into the rollups in one statement, so that every snapshot sees each
// change exactly once.
#include <fmt/format.h>

#include "engine/rollup/grouping.hpp"
#include "engine/rollup/mutex.hpp"
#include "engine/rollup/settings.hpp"
#include "engine/rollup/so_far.hpp"
#include "engine/rollup/step.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// CTEs that add the rows of `sums` of one grain to its rollup. One index probe finds the row; the
// change goes by its tuple address, which is stable because only the holder of the mutex writes
// rollups. (ON CONFLICT would need a unique index, which cannot tell a NULL dimension from a long
// value's hash.)
std::string add_to_rollup(const Layout &source, RollupGrain grain) {
    const bool hourly = grain == RollupGrain::hour;
    return fmt::format(
        R"(,
{grain}_probe AS MATERIALIZED (
  SELECT r.ctid AS found, s.level, {s_bucket}{s_dims}, (coalesce(r.n, 0) + s.n)::int8 AS n{totals}
    FROM (SELECT * FROM sums WHERE hour IS {null} ORDER BY level, {bucket}, {hash}) s
    LEFT JOIN {table} r ON r.level = s.level AND r.day = s.day{same_hour}{same_segment}),
{grain}_update AS (UPDATE {table} r SET n = p.n{set} FROM {grain}_probe p
  WHERE r.ctid = p.found AND NOT {is_void}),
{grain}_delete AS (DELETE FROM {table} r USING {grain}_probe p
  WHERE r.ctid = p.found AND {is_void}),
{grain}_insert AS (
  INSERT INTO {table} (level, {bucket}, n{dims}{columns})
  SELECT level, {bucket}, n{dims}{columns} FROM {grain}_probe p
   WHERE found IS NULL AND NOT {is_void}))",
        fmt::arg("grain", hourly ? "hour" : "day"),
        fmt::arg("table", hourly ? source.hour : source.day),
        fmt::arg("bucket", hourly ? "day, hour" : "day"),
        fmt::arg("s_bucket", hourly ? "s.day, s.hour" : "s.day"),
        fmt::arg("null", hourly ? "NOT NULL" : "NULL"),
        fmt::arg("same_hour", hourly ? " AND r.hour = s.hour" : ""),
        fmt::arg("same_segment", source.same_segment("r.", "s.")),
        fmt::arg("hash", source.segment_hash("")), fmt::arg("dims", source.more_dims()),
        fmt::arg("s_dims", source.more_dims("s.")),
        fmt::arg("totals", source.each_sum("coalesce(r.{0} + s.{0}, r.{0}, s.{0}) AS {0}")),
        fmt::arg("set", source.each_sum("{0} = p.{0}")),
        fmt::arg("columns", source.each_sum("{0}")), fmt::arg("is_void", is_void(source, "p.")));
}

// $1 source, $2 batch size. Deltas of frozen days are taken and dropped.
std::string merge_statement(const Layout &source) {
    return fmt::format(
        R"(
WITH {bounds},
gone AS (DELETE FROM {delta} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {delta} LIMIT $2))
         RETURNING *),
kept AS (SELECT * FROM gone WHERE day >= (SELECT frozen_before FROM bounds)),
sums AS MATERIALIZED ({grouped}){day}{hour}
SELECT (SELECT count(*) FROM gone), day
  FROM (SELECT DISTINCT day FROM kept LIMIT {max_days}) touched
 UNION ALL SELECT (SELECT count(*) FROM gone), NULL ORDER BY 2)",
        fmt::arg("bounds", kBounds), fmt::arg("delta", source.delta),
        fmt::arg("grouped", grouped(source, "kept")),
        fmt::arg("day", add_to_rollup(source, RollupGrain::day)),
        fmt::arg("hour", add_to_rollup(source, RollupGrain::hour)),
        fmt::arg("max_days", kMaxDays + 1));
}

}  // namespace

Progress merge(const std::string &name, int64_t limit) {
    const Layout source = load_layout(name, pg::Access::read_write);
    if (!lock_source({.delta = source.delta_id}, Wait::no)) return {.busy = true};
    const pg::RunAs as_owner(source.info.owner, pg::Restriction::code);
    const pg::LocalSettings settings = merge_settings();
    // The latest snapshot in any isolation level: it must see what the last holder of the mutex
    // committed.
    Progress step =
        step_of(pg::query(merge_statement(source), {name, limit}, {.see = pg::See::latest}));
    forget_so_far(source, step);
    if (step.rows > 0) note_change(name);
    step.more = step.rows >= limit;
    return step;
}

}  // namespace kpi::engine
