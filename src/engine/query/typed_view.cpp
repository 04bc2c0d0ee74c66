#include "engine/query/typed_view.hpp"

#include <fmt/format.h>

namespace kpi::engine {
namespace {

std::string dimension_list(const SourceInfo &source) {
    std::string out;
    for (size_t i = 1; i <= source.dimensions.size(); ++i) out += fmt::format(", d{}", i);
    return out;
}

std::string measure_list(const SourceInfo &source) {
    std::string out;
    for (const MeasureInfo &measure : source.measures) {
        out += fmt::format(", m{}", measure.position);
        if (measure.kind == MeasureKind::numeric)
            out += fmt::format(", m{0}_nan, m{0}_pinf, m{0}_ninf", measure.position);
    }
    return out;
}

std::string sums(const SourceInfo &source) {
    std::string out;
    for (const MeasureInfo &measure : source.measures) {
        const std::string name = pg::quote(measure.name);
        if (measure.kind == MeasureKind::numeric)
            out += fmt::format(
                ", kpi._sum(sum(m{0}), sum(m{0}_nan), sum(m{0}_pinf), sum(m{0}_ninf)) AS {1}",
                measure.position, name);
        else
            out += fmt::format(", coalesce(sum(m{}), 0) AS {}", measure.position, name);
    }
    return out;
}

}  // namespace

std::string typed_view_sql(const SourceInfo &source, ViewGrain grain) {
    const bool hourly = grain == ViewGrain::hour;
    const std::string delta = data_table(source.name, "delta");
    const std::string rollup = data_table(source.name, hourly ? "rollup_hour" : "rollup_day");
    const std::string keys = std::string(hourly ? "day, hour" : "day") + dimension_list(source);
    const std::string columns = keys + ", n" + measure_list(source);
    // `allowed` is a one-time filter: no predicate of the reader's is evaluated on a row before
    // kpi._dirty_days has checked the reader's right. Rows of the facts branch are in dirty days by
    // construction.
    const std::string allowed = "(SELECT g.dirty FROM g) IS NOT NULL";
    const std::string clean = "NOT day <@ (SELECT g.dirty FROM g)";
    const std::string live = "day >= (SELECT g.frozen_before FROM g)";
    const std::string kept = hourly ? " AND day >= (SELECT g.hours_from FROM g)" : "";
    const std::string has_hour = hourly ? " AND hour > '-infinity'" : "";
    const std::string no_value = source.counted.empty() ? "" : " AND " + source.holds_sums();

    std::string names;
    for (size_t i = 0; i < source.dimensions.size(); ++i)
        names += fmt::format(", d{} AS {}", i + 1, pg::quote(source.dimensions[i].name));

    std::string sql = fmt::format(
        "WITH g AS MATERIALIZED (SELECT kpi._dirty_days(name) AS dirty, frozen_before, hours_from "
        "FROM "
        "kpi.source "
        "WHERE name = {})\n",
        pg::literal(source.name));
    sql += fmt::format("SELECT {}{}, sum(n)::bigint AS row_count{}\nFROM (\n",
                       hourly ? "day, hour" : "day", names, sums(source));
    sql += fmt::format("SELECT {} FROM {} WHERE level = {} AND {} AND {}{}\nUNION ALL\n", columns,
                       rollup, source.full_level(), allowed, clean, kept);
    sql += fmt::format("SELECT {} FROM {} WHERE {} AND {} AND {}{}{}{}\nUNION ALL\n", columns,
                       delta, allowed, clean, live, kept, has_hour, no_value);
    sql += fmt::format(
        "SELECT {} FROM kpi._pending(NULL::{}) WHERE {} AND {} AND {}{}{}{}\nUNION ALL\n", columns,
        delta, allowed, clean, live, kept, has_hour, no_value);
    // The bits of the dimensions alone: no value of a counted measure.
    sql +=
        fmt::format("SELECT {} FROM kpi._facts(NULL::{}, (SELECT g.dirty FROM g), {}) WHERE {}{}\n",
                    columns, delta, source.full_level(), allowed, kept);
    sql += fmt::format(") x GROUP BY {} HAVING sum(n) <> 0", keys);
    return sql;
}

}  // namespace kpi::engine
