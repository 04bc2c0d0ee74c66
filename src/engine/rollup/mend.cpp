#include "engine/rollup/mend.hpp"

#include <fmt/format.h>

#include "engine/rollup/grouping.hpp"
#include "engine/rollup/marks.hpp"
#include "engine/rollup/plans.hpp"
#include "engine/rollup/step.hpp"
#include "engine/triggers.hpp"
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
std::string pending(const Layout &source, const std::string &sign, const Days &days) {
    if (!source.by_trigger()) return {};
    return "\n  UNION ALL " +
           part(source, "hour", sign,
                fmt::format("kpi._pending(NULL::{}) WHERE {}", source.delta, within(days)));
}

std::string facts_part(const Layout &source, const Days &days) {
    return part(source, "hour", "", facts_rows(source, days, {.see = pg::See::latest}) + " f");
}

// The rows of a rollup in the range. By level, so that the index serves a bounded range.
std::string rollup_rows(const Layout &source, const Days &days) {
    if (days.from == "-infinity" && days.to == "infinity") return within(days);
    std::string levels;
    for (const int level : source.levels())
        levels += fmt::format("{}{}", levels.empty() ? "" : ",", level);
    return fmt::format("level = ANY ('{{{}}}'::int2[]) AND {}", levels, within(days));
}

// $1 source.
std::string rewrite_statement(const Layout &source, const Days &days) {
    return fmt::format(
        R"(
WITH {bounds},
old_deltas AS (DELETE FROM {delta} WHERE {within}),
old_days AS (DELETE FROM {day} WHERE {rollup_rows}),
old_hours AS (DELETE FROM {hour} WHERE {rollup_rows}),
present AS ({facts}{pending}),
sums AS MATERIALIZED ({grouped}),
new_days AS (INSERT INTO {day} (level, day, n{dims}{columns})
             SELECT level, day, n{dims}{columns} FROM sums WHERE hour IS NULL),
new_hours AS (INSERT INTO {hour} (level, day, hour, n{dims}{columns})
              SELECT level, day, hour, n{dims}{columns} FROM sums WHERE hour IS NOT NULL)
SELECT (SELECT count(*) FROM sums), day
  FROM (SELECT day FROM sums WHERE level = 0 AND hour IS NULL LIMIT {max_days}) touched
 UNION ALL SELECT (SELECT count(*) FROM sums), NULL ORDER BY 2)",
        fmt::arg("bounds", kBounds), fmt::arg("delta", source.delta), fmt::arg("day", source.day),
        fmt::arg("hour", source.hour), fmt::arg("within", within(days)),
        fmt::arg("rollup_rows", rollup_rows(source, days)),
        fmt::arg("facts", facts_part(source, days)),
        fmt::arg("pending", pending(source, "-", days)),
        fmt::arg("grouped", grouped(source, "present")), fmt::arg("dims", source.more_dims()),
        fmt::arg("columns", source.each_sum("{0}")), fmt::arg("max_days", kMaxDays + 1));
}

// $1 source. Hours that are not kept are compared by day.
std::string append_statement(const Layout &source, const Days &days) {
    const std::string kept =
        "CASE WHEN day >= (SELECT hours_from FROM bounds) THEN hour ELSE '-infinity' END";
    const std::string full =
        fmt::format("level = {} AND {}", source.info.full_level(), within(days));
    const std::string hours = "(SELECT hours_from FROM bounds)";
    return fmt::format(
        R"(
WITH {bounds},
known AS (
  {facts}
  UNION ALL {rollup_hours}
  UNION ALL {rollup_days}
  UNION ALL {deltas}{pending}),
sums AS (SELECT {kept} AS hour, day{dims}, sum(n)::int4 AS n{sums} FROM known GROUP BY 1, 2{dims}),
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
        fmt::arg("dims", source.more_dims()), fmt::arg("sums", source.each_sum("sum({0}) AS {0}")),
        fmt::arg("delta", source.delta), fmt::arg("columns", source.each_sum("{0}")),
        fmt::arg("is_void", is_void(source, "")), fmt::arg("max_days", kMaxDays + 1));
}

bool has_rollups(const Layout &source, const Days &days) {
    return pg::value(fmt::format("SELECT true FROM {} WHERE level = 0 AND day >= $1::date AND day "
                                 "< $2::date LIMIT 1",
                                 source.day),
                     {days.from, days.to}, {.see = pg::See::latest})
        .has_value();
}

}  // namespace

Step mend(const Layout &source, const Days &days, Method method) {
    const pg::LocalSettings settings = facts_settings();
    const std::vector<Mark> marks = seen_marks(source.name());
    Step step;
    if (const auto range = live(source.name(), days)) {
        const pg::RunAs as_owner(source.info.owner, pg::Restriction::code);
        if (method == Method::either)
            method = has_rollups(source, *range) ? Method::append : Method::rewrite;
        step = step_of(pg::query(method == Method::rewrite ? rewrite_statement(source, *range)
                                                           : append_statement(source, *range),
                                 {source.name()}, {.see = pg::See::latest}));
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
