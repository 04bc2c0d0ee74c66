#include "engine/rollup/facts_statement.hpp"

#include <fmt/format.h>

#include "pg/sql.hpp"
#include "pg/zone.hpp"

namespace kpi::engine {
namespace {

// More offset changes than this in one range (a century of some zones): the zone goes by name, the
// aggregate runs here.
constexpr size_t kMostSpans = 250;

struct Clock {
    std::string local, utc;  // SQL text: timestamp without time zone
};

Timestamp instant(const Cell &microseconds) { return {std::stoll(microseconds.value_or("0"))}; }

std::string interval(int seconds) { return fmt::format("interval '{} seconds'", seconds); }

// postgres_fdw ships no function with a text argument, because its collation is not derived from a
// foreign column. So neither AT TIME ZONE 'name' nor date_trunc('hour', ..) may occur: the zone's
// offsets are written out as intervals.
std::string local_time(const std::vector<pg::ZoneSpan> &spans) {
    if (spans.size() == 1)
        return fmt::format("pg_catalog.timezone({}, f.at)", interval(spans[0].seconds_east));
    std::string out = "CASE";
    // Latest first: most rows are recent.
    for (size_t i = spans.size(); i > 1; --i) {
        const auto since =
            pg::value("SELECT timestamptz '2000-01-01 00:00:00+00' + $1 * interval '1 microsecond'",
                      {spans[i - 2].until});
        out += fmt::format(" WHEN f.at >= {}::timestamptz THEN pg_catalog.timezone({}, f.at)",
                           pg::literal(since.value_or("")), interval(spans[i - 1].seconds_east));
    }
    return out +
           fmt::format(" ELSE pg_catalog.timezone({}, f.at) END", interval(spans[0].seconds_east));
}

std::vector<pg::ZoneSpan> spans_of(const Layout &source, const std::string &from,
                                   const std::string &to) {
    const Table edges = pg::query(
        "SELECT (extract(epoch FROM $1::timestamptz - '2000-01-01 00:00:00+00') * 1000000)::int8, "
        "(extract(epoch FROM $2::timestamptz - '2000-01-01 00:00:00+00') * 1000000)::int8",
        {from, to});
    return pg::zone_spans(source.info.timezone, instant(edges.rows[0][0]),
                          instant(edges.rows[0][1]), kMostSpans);
}

// Range of instants that surely holds the days; open ends are closed by what the view holds, with
// two years to spare for rows that arrive while the statement starts. Nothing when the view has no
// row.
std::optional<std::pair<std::string, std::string>> instants(const Layout &source,
                                                            const DayRange &days,
                                                            const pg::Options &options) {
    const Table edges = pg::query(
        fmt::format(
            "SELECT CASE WHEN isfinite($1::date) THEN $1::date::timestamptz - interval '1 day' "
            "ELSE "
            "(SELECT min({0}) FROM {1} WHERE isfinite({0})) - interval '2 years' END, "
            "CASE WHEN isfinite($2::date) THEN $2::date::timestamptz + interval '1 day' ELSE "
            "greatest((SELECT max({0}) FROM {1} WHERE isfinite({0})), now()) + interval '2 years' "
            "END",
            source.time_column, source.facts),
        {days.from, days.to}, options);
    if (!edges.rows[0][0]) return std::nullopt;
    return std::pair(*edges.rows[0][0], *edges.rows[0][1]);
}

std::string between(const char *day, const DayRange &days) {
    std::string out = "true";
    if (days.from != "-infinity")
        out += fmt::format(" AND {} >= {}::date", day, pg::literal(days.from));
    if (days.to != "infinity") out += fmt::format(" AND {} < {}::date", day, pg::literal(days.to));
    return out;
}

std::string aggregate(const Layout &source, const std::string &events, const DayRange &days) {
    std::string columns, dims, sums;
    for (size_t i = 0; i < source.width(); ++i) dims += fmt::format(", e.d{}", i + 1);
    for (size_t i = 0; i < source.info.measures.size(); ++i) {
        const std::string m = fmt::format("m{}", i + 1);
        if (source.info.measures[i].kind == MeasureKind::integer) {
            sums += fmt::format(", sum(e.{0}) AS {0}", m);
            columns += fmt::format(", {0}::numeric AS {0}", m);
            continue;
        }
        sums += fmt::format(
            ", sum(e.{0}) FILTER (WHERE e.{0} <> ALL ('{{NaN,Infinity,-Infinity}}'::numeric[])) AS "
            "{0}"
            ", count(*) FILTER (WHERE e.{0} = 'NaN'::numeric) AS {0}_nan"
            ", count(*) FILTER (WHERE e.{0} = 'Infinity'::numeric) AS {0}_pinf"
            ", count(*) FILTER (WHERE e.{0} = '-Infinity'::numeric) AS {0}_ninf",
            m);
        columns += fmt::format(", {0}, {0}_nan, {0}_pinf, {0}_ninf", m);
    }
    return fmt::format(
        R"((SELECT bucket AT TIME ZONE 'UTC' AS hour, day, n{more_dims}{columns}
   FROM (SELECT e.u - (e.l - date_bin(interval '1 hour', e.l, timestamp '2000-01-01')) AS bucket,
                e.l::date AS day{dims}, count(*) AS n{sums}
           FROM {events}
          WHERE {within}
          GROUP BY 1, 2{dims}) g))",
        fmt::arg("more_dims", source.more_dims()), fmt::arg("columns", columns),
        fmt::arg("dims", dims), fmt::arg("sums", sums), fmt::arg("events", events),
        fmt::arg("within", between("e.l::date", days)));
}

std::string no_rows(const Layout &source) {
    return fmt::format("(SELECT hour, day, n{}{} FROM {} WHERE false)", source.more_dims(),
                       source.each_sum("{0}"), source.delta);
}

std::string window_rows(const Layout &source, const DayRange &days, const pg::Options &options) {
    const auto range = instants(source, days, options);
    if (!range) return no_rows(source);
    std::string columns;
    for (size_t i = 0; i < source.width(); ++i)
        columns += fmt::format(", v.{} AS d{}", pg::quote(source.info.dimensions[i].name), i + 1);
    for (size_t i = 0; i < source.info.measures.size(); ++i)
        columns += fmt::format(", v.{} AS m{}", pg::quote(source.info.measures[i].name), i + 1);
    const bool is_instant = source.time_type == "timestamp with time zone";
    // There and back: a wall time that the zone skips is the instant PostgreSQL makes of it, as in
    // trigger capture.
    const std::string zone = pg::literal(source.info.timezone);
    Clock clock{fmt::format("(f.at::timestamp AT TIME ZONE {0}) AT TIME ZONE {0}", zone),
                fmt::format("(f.at::timestamp AT TIME ZONE {}) AT TIME ZONE 'UTC'", zone)};
    if (is_instant) {
        const auto spans = spans_of(source, range->first, range->second);
        clock.local = spans.empty()
                          ? fmt::format("f.at AT TIME ZONE {}", pg::literal(source.info.timezone))
                          : local_time(spans);
        clock.utc = "pg_catalog.timezone(interval '0', f.at)";
    }
    const std::string events = fmt::format(
        R"((SELECT {local} AS l, {utc} AS u, f.*
           FROM (SELECT v.{time} AS at{columns} FROM {facts} v) f
          WHERE isfinite(f.at) AND f.at >= {from}::{type} AND f.at < {to}::{type}) e)",
        fmt::arg("local", clock.local), fmt::arg("utc", clock.utc),
        fmt::arg("time", source.time_column), fmt::arg("columns", columns),
        fmt::arg("facts", source.facts), fmt::arg("from", pg::literal(range->first)),
        fmt::arg("to", pg::literal(range->second)), fmt::arg("type", source.time_type));
    return aggregate(source, events, days);
}

}  // namespace

std::string within(const DayRange &days) { return between("day", days); }

std::optional<DayRange> live(const std::string &source, const DayRange &days) {
    const auto from = pg::value(
        "SELECT greatest(frozen_before, $2::date) FROM kpi.source "
        "WHERE name = $1 AND greatest(frozen_before, $2::date) < $3::date",
        {source, days.from, days.to}, {.see = pg::See::latest});
    if (!from) return std::nullopt;
    return DayRange{*from, days.to};
}

std::string facts_rows(const Layout &source, const DayRange &days, const pg::Options &options) {
    if (!source.by_trigger()) return window_rows(source, days, options);
    return fmt::format("kpi._facts(NULL::{}, datemultirange(daterange({}::date, {}::date)))",
                       source.delta, pg::literal(days.from), pg::literal(days.to));
}

}  // namespace kpi::engine
