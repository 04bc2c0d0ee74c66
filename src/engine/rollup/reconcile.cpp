#include "engine/rollup/reconcile.hpp"

#include <fmt/format.h>

#include "engine/registry/triggers.hpp"
#include "engine/rollup/dirty_marks.hpp"
#include "engine/rollup/grouping.hpp"
#include "engine/rollup/settings.hpp"
#include "engine/rollup/so_far.hpp"
#include "engine/rollup/step.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

constexpr int64_t kLarge = 10000;  // rows written that make statistics stale

// "SELECT <hour>, day, d.., n, m.." over one part of what is known, with a sign.
std::string part(const Layout &source, const char *hour, const std::string &sign,
                 const std::string &from) {
    return fmt::format("SELECT {} AS hour, day{}, {}n::int8 AS n{} FROM {}", hour,
                       source.more_dims(), sign, source.each_sum(sign + "{0} AS {0}"), from);
}

// Changes of this transaction that will be flushed as deltas at its commit: what is written now
// must not hold them too.
std::string pending(const Layout &source, const std::string &sign, const DayRange &days) {
    if (!source.by_trigger()) return {};
    return "\n  UNION ALL " +
           part(source, "hour", sign,
                fmt::format("kpi._pending(NULL::{}) WHERE {}", source.delta, within(days)));
}

std::string facts_part(const Layout &source, const DayRange &days) {
    return part(source, "hour", "", facts_rows(source, days, {.see = pg::See::latest}) + " f");
}

// The rows of a rollup in the range. By level, so that the index serves a bounded range.
std::string rollup_rows(const Layout &source, const DayRange &days) {
    if (days.from == "-infinity" && days.to == "infinity") return within(days);
    std::string levels;
    for (const int level : source.levels())
        levels += fmt::format("{}{}", levels.empty() ? "" : ",", level);
    return fmt::format("level = ANY ('{{{}}}'::int2[]) AND {}", levels, within(days));
}

// Where a rewrite goes: a range without rollups is only filled.
enum class Range { empty, filled };

// CTEs that make the rows of one rollup in the range equal to those of `sums`: `<grain>_changed`,
// the rows that differ, then their deletion and insertion. A row that is right is not touched, so a
// rebuild of what is right writes nothing and leaves no dead rows, and all that is written is one
// statement: every snapshot, also one that is older, sees either all of it or nothing. (Swapping in
// a fresh file would show its rows to nobody with an older snapshot, and empty rollups to them.)
// Rows go into the index in its order: four times fewer pages are touched, and they are filled.
std::string rewrite_rollup(const Layout &source, const DayRange &days, RollupGrain grain,
                           Range range) {
    const bool hourly = grain == RollupGrain::hour;
    const std::string sums = source.each_sum("{0}");
    const std::string list =
        fmt::format("level, {}, n{}{}", hourly ? "day, hour" : "day", source.more_dims(), sums);
    const std::string fresh =
        fmt::format("SELECT {{}}{} FROM sums WHERE hour IS {}", list, hourly ? "NOT NULL" : "NULL");
    const std::string name = hourly ? "hour" : "day";
    const std::string &table = hourly ? source.hour : source.day;
    std::string out;
    if (range == Range::empty) {
        out = fmt::format(",\n{}_changed AS NOT MATERIALIZED ({})", name,
                          fmt::format(fmt::runtime(fresh), "true AS wanted, "));
    } else {
        // By all columns, with the default equality of their types, for which NULLs are equal.
        // Copies of a row are damage too: all go, and one comes back.
        out = fmt::format(
            R"(,
{name}_changed AS MATERIALIZED (
  SELECT bool_or(NOT old) AS wanted, bool_or(old) AS found, {list}
    FROM (SELECT true AS old, {list} FROM {table} WHERE {rollup_rows}
          UNION ALL {fresh}) both_sides
   GROUP BY {list}
  HAVING NOT (bool_or(NOT old) AND count(*) = 2)),
{name}_delete AS (
  DELETE FROM {table} r USING {name}_changed c
   WHERE c.found AND r.level = c.level AND r.day = c.day{same_hour}{same_segment}
     AND pg_catalog.record_eq(ROW(r.n{r_sums}), ROW(c.n{c_sums}))))",
            fmt::arg("name", name), fmt::arg("list", list), fmt::arg("table", table),
            fmt::arg("rollup_rows", rollup_rows(source, days)),
            fmt::arg("fresh", fmt::format(fmt::runtime(fresh), "false, ")),
            fmt::arg("same_hour", hourly ? " AND r.hour = c.hour" : ""),
            fmt::arg("same_segment", source.same_segment("r.", "c.")),
            fmt::arg("r_sums", source.each_sum("r.{0}")),
            fmt::arg("c_sums", source.each_sum("c.{0}")));
    }
    return out + fmt::format(
                     R"(,
{name}_insert AS (
  INSERT INTO {table} ({list})
  SELECT {list} FROM {name}_changed WHERE wanted ORDER BY level, {bucket}, {hash}))",
                     fmt::arg("name", name), fmt::arg("table", table), fmt::arg("list", list),
                     fmt::arg("bucket", hourly ? "day, hour" : "day"),
                     fmt::arg("hash", source.segment_hash("")));
}

// $1 source.
std::string rewrite_statement(const Layout &source, const DayRange &days, Range range) {
    return fmt::format(
        R"(
WITH {bounds},
old_deltas AS (DELETE FROM {delta} WHERE {within}),
present AS ({facts}{pending}),
sums AS MATERIALIZED ({grouped}){day}{hour},
changed AS (SELECT day FROM day_changed UNION ALL SELECT day FROM hour_changed)
SELECT (SELECT count(*) FROM changed), day
  FROM (SELECT DISTINCT day FROM changed LIMIT {max_days}) touched
 UNION ALL SELECT (SELECT count(*) FROM changed), NULL ORDER BY 2)",
        fmt::arg("bounds", kBounds), fmt::arg("delta", source.delta),
        fmt::arg("within", within(days)), fmt::arg("facts", facts_part(source, days)),
        fmt::arg("pending", pending(source, "-", days)),
        fmt::arg("grouped", grouped(source, "present")),
        fmt::arg("day", rewrite_rollup(source, days, RollupGrain::day, range)),
        fmt::arg("hour", rewrite_rollup(source, days, RollupGrain::hour, range)),
        fmt::arg("max_days", kMaxDays + 1));
}

// $1 source. Hours that are not kept are compared by day.
std::string append_statement(const Layout &source, const DayRange &days) {
    const std::string kept =
        "CASE WHEN day >= (SELECT hours_from FROM bounds) THEN hour ELSE '-infinity' END";
    const std::string full =
        fmt::format("level = ANY ({}) AND {}", source.segment_levels(), within(days));
    const std::string hours = "(SELECT hours_from FROM bounds)";
    return fmt::format(
        R"(
WITH {bounds},
known AS (
  {facts}
  UNION ALL {rollup_hours}
  UNION ALL {rollup_days}
  UNION ALL {deltas}{pending}),
sums AS (SELECT {kept} AS hour, day{dims}, {summed} FROM known GROUP BY 1, 2{dims}),
added AS (INSERT INTO {delta} (hour, day, n{dims}{columns})
          SELECT hour, day, n{dims}{columns} FROM sums WHERE NOT {is_void} RETURNING day)
SELECT (SELECT count(*) FROM added), day
  FROM (SELECT DISTINCT day FROM added LIMIT {max_days}) touched
 UNION ALL SELECT (SELECT count(*) FROM added), NULL ORDER BY 2)",
        fmt::arg("bounds", kBounds), fmt::arg("facts", facts_part(source, days)),
        fmt::arg("rollup_hours",
                 part(source, "hour", "-",
                      fmt::format("{} WHERE {} AND day >= {}", source.hour, full, hours))),
        fmt::arg("rollup_days",
                 part(source, "'-infinity'", "-",
                      fmt::format("{} WHERE {} AND day < {}", source.day, full, hours))),
        fmt::arg("deltas",
                 part(source, "hour", "-", fmt::format("{} WHERE {}", source.delta, within(days)))),
        fmt::arg("pending", pending(source, "-", days)), fmt::arg("kept", kept),
        fmt::arg("dims", source.more_dims()), fmt::arg("summed", summed(source)),
        fmt::arg("delta", source.delta), fmt::arg("columns", source.each_sum("{0}")),
        fmt::arg("is_void", is_void(source, "")), fmt::arg("max_days", kMaxDays + 1));
}

bool any_row(const std::string &table, const std::string &condition) {
    return pg::value(fmt::format("SELECT true FROM {} WHERE {} LIMIT 1", table, condition), {},
                     {.see = pg::See::latest})
        .has_value();
}

Range range_of(const Layout &source, const DayRange &days) {
    const std::string rows = rollup_rows(source, days);
    return any_row(source.day, rows) || any_row(source.hour, rows) ? Range::filled : Range::empty;
}

bool has_totals(const Layout &source, const DayRange &days) {
    return any_row(source.day, "level = 0 AND " + within(days));
}

Progress rewrite(const Layout &source, const DayRange &days) {
    return step_of(pg::query(rewrite_statement(source, days, range_of(source, days)),
                             {source.name()}, {.see = pg::See::latest}));
}

Progress append(const Layout &source, const DayRange &days) {
    return step_of(
        pg::query(append_statement(source, days), {source.name()}, {.see = pg::See::latest}));
}

}  // namespace

Progress mend(const Layout &source, const DayRange &days, Method method) {
    const pg::LocalSettings settings = facts_settings();
    const std::vector<DirtyMark> marks = seen_marks(source.name());
    Progress step;
    if (const auto range = live(source.name(), days)) {
        const pg::RunAs as_owner(source.info.owner, pg::Restriction::code);
        if (method == Method::either)
            method = has_totals(source, *range) ? Method::append : Method::rewrite;
        step = method == Method::rewrite ? rewrite(source, *range) : append(source, *range);
        // Also where every hour is right: minutes may not be.
        forget_so_far(source, *range);
    }
    if (!source.by_trigger() || captures_all(source.name(), source.base))
        clear_marks(source.name(), marks, days);
    // A rewrite may leave nothing behind, which is a change too.
    if (step.rows > 0 || method == Method::rewrite) note_change(source.name());
    // A first build by ranges: at its end, and by growth on the way.
    if (step.rows >= kLarge && seen_marks(source.name()).empty()) forget_statistics(source.name());
    return step;
}

}  // namespace kpi::engine
