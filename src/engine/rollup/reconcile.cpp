#include "engine/rollup/reconcile.hpp"

#include <fmt/format.h>

#include "engine/registry/triggers.hpp"
#include "engine/rewrite/rewrite.hpp"
#include "engine/rollup/dirty_marks.hpp"
#include "engine/rollup/grouping.hpp"
#include "engine/rollup/settings.hpp"
#include "engine/rollup/so_far.hpp"
#include "engine/rollup/step.hpp"
#include "pg/held_snapshot.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// In the snapshot that is held.
constexpr pg::Options kHeld{.access = pg::Access::read_only};
constexpr int64_t kLarge = 10000;  // rows written that make statistics stale

// "SELECT <hour>, day, d.., n, m.." over one part of what is known, with a sign.
std::string part(const Layout &source, const char *hour, const std::string &sign,
                 const std::string &from) {
    return fmt::format("SELECT {} AS hour, day{}, {}n::int8 AS n{} FROM {}", hour,
                       source.more_dims(), sign, source.each_sum(sign + "{0} AS {0}"), from);
}

// The same in the order of columns that rewrite() takes.
std::string new_rows(const Layout &source, const std::string &sign, const std::string &from) {
    return fmt::format("SELECT hour, day, {}n::int8 AS n{}{} FROM {}", sign, source.more_dims(),
                       source.each_sum(sign + "{0} AS {0}"), from);
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

// A SELECT of the rows of a rollup in the range, as rewrite() takes them.
std::string existing_rows(const Layout &source, const DayRange &days, RollupGrain grain) {
    const bool hourly = grain == RollupGrain::hour;
    return fmt::format("SELECT ctid, level, {} AS hour, day, n{}{} FROM {} WHERE {}",
                       hourly ? "hour" : "NULL::timestamptz", source.more_dims(),
                       source.each_sum("{0}"), hourly ? source.hour : source.day,
                       rollup_rows(source, days));
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

bool has_rollups(const Layout &source, const DayRange &days) {
    const std::string rows = rollup_rows(source, days);
    return any_row(source.day, rows) || any_row(source.hour, rows);
}

// Days since 2000-01-01 as text, and back; by PostgreSQL, whose dates reach further than ours.
std::vector<std::string> day_names(const std::vector<int32_t> &days) {
    std::vector<std::string> out;
    const Table names = pg::query(
        "SELECT '2000-01-01'::date + n FROM unnest($1) WITH ORDINALITY d(n, place) ORDER BY place",
        {days});
    for (const Row &row : names.rows) out.push_back(row[0].value_or(""));
    return out;
}

int32_t day_number(const std::string &name, int32_t infinite) {
    const auto number = pg::value(
        "SELECT CASE WHEN isfinite($1::date) THEN $1::date - '2000-01-01'::date END", {name});
    return number ? int32_t(std::stol(*number)) : infinite;
}

rewrite::Days days_of(const DayRange &range) {
    return {day_number(range.from, INT32_MIN), day_number(range.to, INT32_MAX)};
}

DayRange range_of(const rewrite::Days &days) {
    DayRange out;
    if (days.from != INT32_MIN) out.from = day_names({days.from}).front();
    if (days.to != INT32_MAX) out.to = day_names({days.to}).front();
    return out;
}

// Columns and levels as rewrite() takes them.
rewrite::Job rewrite_job(const Layout &source, const DayRange &range) {
    rewrite::Job job;
    job.delta = source.delta_id;
    job.day = source.day_id;
    job.hour = source.hour_id;
    job.days = days_of(range);
    const std::string hours_from =
        pg::value("SELECT hours_from FROM kpi.source WHERE name = $1", {source.name()}, kHeld)
            .value_or("-infinity");
    job.hours_from = day_number(hours_from, hours_from == "infinity" ? INT32_MAX : INT32_MIN);
    for (const int level : source.levels())
        if (level < source.info.full_level()) job.coarse.push_back(level);
    job.by_trigger = source.by_trigger();
    if (job.by_trigger)
        job.more.push_back(
            new_rows(source, "-",
                     fmt::format("kpi._pending(NULL::{}) WHERE {}", source.delta, within(range))));
    else
        job.more.push_back(new_rows(source, "", facts_rows(source, range, kHeld) + " f"));
    job.existing = [source](bool hourly, const rewrite::Days &days) {
        return existing_rows(source, range_of(days), hourly ? RollupGrain::hour : RollupGrain::day);
    };
    return job;
}

bool has_totals(const Layout &source, const DayRange &days) {
    return any_row(source.day, "level = 0 AND " + within(days));
}

Progress rewrite_range(const Layout &source, const DayRange &range) {
    const pg::HeldSnapshot snapshot;
    snapshot.execute(fmt::format("DELETE FROM {} WHERE {}", source.delta, within(range)));
    rewrite::Job job = rewrite_job(source, range);
    job.filled = has_rollups(source, range);
    const rewrite::Outcome outcome = rewrite::rewrite(job, kMaxDays);
    Progress step;
    step.rows = outcome.rows;
    if (outcome.days.size() <= kMaxDays) step.days = day_names(outcome.days);
    return step;
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
    if (!source.info.kept.empty())
        fit_indexes(source.name(), source.width(), source.info.kept.size());
    if (const auto range = live(source.name(), days)) {
        const pg::RunAs as_owner(source.info.owner, pg::Restriction::code);
        if (method == Method::either)
            method = has_totals(source, *range) ? Method::append : Method::rewrite;
        step = method == Method::rewrite ? rewrite_range(source, *range) : append(source, *range);
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
