#include "engine/source/verify.hpp"

#include <fmt/format.h>

#include "engine/rollup/grouping.hpp"
#include "engine/rollup/sample.hpp"
#include "engine/rollup/settings.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// The segment of a row as jsonb: only the dimensions of its level, and the value that it counts.
std::string segment(const Layout &source) {
    std::string pairs;
    for (size_t i = 0; i < source.width(); ++i)
        pairs += fmt::format("{}(level::int4 >> {} & 1 = 1, {}, to_jsonb(d{}))", i == 0 ? "" : ", ",
                             i, pg::literal(source.info.dimensions[i].name), i + 1);
    for (const KeptInfo &kept : source.info.kept)
        pairs += fmt::format("{}(level = {}, {}, to_jsonb(v{}))", pairs.empty() ? "" : ", ",
                             source.info.kept_level(kept.position), pg::literal(kept.column),
                             kept.position);
    if (pairs.empty()) return "'{}'::jsonb";
    return fmt::format(
        "(SELECT coalesce(jsonb_object_agg(k, v), '{{}}'::jsonb) FROM (VALUES {}) p (used, k, v) "
        "WHERE used)",
        pairs);
}

std::string total(const Layout &source, size_t i, char side) {
    const std::string m = fmt::format("{}_m{}", side, i + 1);
    if (source.info.measures[i].kind == MeasureKind::integer)
        return fmt::format("coalesce({}, 0)", m);
    return fmt::format("kpi._sum({0}, {0}_nan, {0}_pinf, {0}_ninf)", m);
}

std::string measures(const Layout &source) {
    std::string rows = "'row_count'";
    for (const KeptInfo &kept : source.info.kept)
        rows = fmt::format("CASE level WHEN {} THEN {} ELSE {} END",
                           source.info.kept_level(kept.position), pg::literal(kept.measure), rows);
    std::string out = fmt::format("({}, coalesce(e_n, 0), coalesce(a_n, 0))", rows);
    for (size_t i = 0; i < source.info.measures.size(); ++i)
        out += fmt::format(", ({}, {}, {})", pg::literal(source.info.measures[i].name),
                           total(source, i, 'e'), total(source, i, 'a'));
    return out;
}

// Sums of one side, named by a letter: e expected, a actual.
std::string side(const Layout &source, char letter, const char *condition) {
    std::string out = fmt::format(", sum(n) FILTER (WHERE {}) AS {}_n", condition, letter);
    for (const std::string &column : source.sums())
        out += fmt::format(", sum({0}) FILTER (WHERE {1}) AS {2}_{0}", column, condition, letter);
    return out;
}

std::string columns(const Layout &source, const char *hour, const char *expected) {
    return fmt::format("SELECT {} AS expected, level, day, {} AS hour{}, n{}", expected, hour,
                       source.more_dims(), source.each_sum("{0}"));
}

std::string changes(const Layout &source, const std::string &used) {
    const std::string list =
        fmt::format("SELECT hour, day, n{}{} FROM ", source.more_dims(), source.each_sum("{0}"));
    std::string out = fmt::format("{}{} WHERE {}", list, source.delta, used);
    if (source.by_trigger())
        out +=
            fmt::format(" UNION ALL {}kpi._pending(NULL::{}) WHERE {}", list, source.delta, used);
    return out;
}

std::string statement(const Layout &source, const DayRange &days) {
    const std::string used = within(days) +
                             " AND day >= (SELECT frozen_before FROM bounds) "
                             "AND NOT day <@ (SELECT days FROM dirty)";
    return fmt::format(
        R"(
WITH {bounds},
dirty AS MATERIALIZED (SELECT kpi._dirty_days($1) AS days),
facts AS (SELECT hour, day, n{dims}{sums} FROM (SELECT * FROM {facts} f OFFSET 0) f WHERE {used}),
changes AS ({changes}),
both_sides AS (
  {expected} FROM ({grouped_facts}) f
  UNION ALL {actual} FROM ({grouped_changes}) c
  UNION ALL {actual_day} FROM {day} WHERE {used}
  UNION ALL {actual} FROM {hour} WHERE {used} AND day >= (SELECT hours_from FROM bounds)),
compared AS (SELECT level, day, hour{dims}{e}{a} FROM both_sides GROUP BY level, day, hour{dims})
SELECT CASE WHEN hour IS NULL THEN day::timestamp AT TIME ZONE {zone} ELSE hour END,
       CASE WHEN hour IS NULL THEN 'day' ELSE 'hour' END,
       {segment}, measure, expected::numeric, actual::numeric
  FROM compared CROSS JOIN LATERAL (VALUES {measures}) m (measure, expected, actual)
 WHERE expected IS DISTINCT FROM actual
 ORDER BY day, hour NULLS FIRST, level, 3, 4)",
        fmt::arg("bounds", kBounds), fmt::arg("dims", source.more_dims()),
        fmt::arg("sums", source.each_sum("{0}")),
        fmt::arg("facts", facts_rows(source, days, {.access = pg::Access::read_only})),
        fmt::arg("used", used), fmt::arg("changes", changes(source, used)),
        fmt::arg("expected", columns(source, "hour", "true")),
        fmt::arg("actual", columns(source, "hour", "false")),
        fmt::arg("actual_day", columns(source, "NULL", "false")),
        fmt::arg("grouped_facts", grouped(source, "facts")),
        fmt::arg("grouped_changes", grouped(source, "changes")), fmt::arg("day", source.day),
        fmt::arg("hour", source.hour), fmt::arg("e", side(source, 'e', "expected")),
        fmt::arg("a", side(source, 'a', "NOT expected")),
        fmt::arg("zone", pg::literal(source.info.timezone)), fmt::arg("segment", segment(source)),
        fmt::arg("measures", measures(source)));
}

}  // namespace

void verify(const std::string &text, const Period &period, pg::ResultSet &result) {
    check_period(period);
    const std::string name = source_named(text, pg::Access::read_only);
    const pg::Options read{.access = pg::Access::read_only};
    // Raises unless the caller may read the facts: what verify compares, a reader may compute.
    (void)pg::value("SELECT kpi._dirty_days($1)", {name}, read);
    const Layout source = load_layout(name, pg::Access::read_only);
    const pg::RunAs as_owner(source.info.owner, pg::Restriction::reading);
    const pg::LocalSettings settings = facts_settings();
    (void)result.append_query(statement(source, whole_days(source, period)), {name}, read);
}

DayRange differing_days(const std::string &name, const DayRange &days) {
    const pg::Options read{.access = pg::Access::read_only};
    const Layout source = load_layout(name, pg::Access::read_only);
    const pg::RunAs as_owner(source.info.owner, pg::Restriction::reading);
    const pg::LocalSettings settings = facts_settings();
    const Table found = pg::query(
        fmt::format("SELECT min(day), max(day) + 1 FROM (SELECT (bucket AT TIME ZONE {})::date "
                    "FROM ({}) v (bucket, grain, segment, measure, expected, actual)) d (day)",
                    pg::literal(source.info.timezone), statement(source, days)),
        {name}, read);
    const Row &row = found.rows.at(0);
    return row[0] ? DayRange{*row[0], *row[1]} : DayRange{days.to, days.to};
}

}  // namespace kpi::engine
