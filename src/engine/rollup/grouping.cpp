#include "engine/rollup/grouping.hpp"

#include <fmt/format.h>

namespace kpi::engine {
namespace {

std::string list(const std::string &first, const std::string &rest) {
    if (first.empty() || rest.empty()) return first + rest;
    return first + ", " + rest;
}

// The levels above the full segments, as grouping sets in front of which `bucket` is put.
std::string coarse_sets(const Layout &source, const std::string &bucket) {
    std::string out;
    for (const int level : source.levels()) {
        if (level >= source.info.full_level()) continue;  // full, or of a counted measure
        std::string dims = bucket;
        for (size_t i = 0; i < source.width(); ++i)
            if ((level >> i & 1) != 0) dims = list(dims, fmt::format("d{}", i + 1));
        out = list(out, fmt::format("({})", dims));
    }
    return out;
}

// The level of a full segment: that of the column whose value the row counts, if any.
std::string segment_level(const Layout &source) {
    std::string out;
    for (const KeptInfo &column : source.info.kept)
        out += fmt::format(" WHEN v{} IS NOT NULL THEN {}", column.position,
                           source.info.kept_level(column.position));
    const int full = source.info.full_level();
    return out.empty() ? fmt::format("{}::int2", full)
                       : fmt::format("(CASE{} ELSE {} END)::int2", out, full);
}

// The columns of a coarse segment, in which no value is set. With one dimension it is not either.
std::string coarse_dims(const Layout &source) {
    std::string out;
    for (size_t i = 1; i <= source.width(); ++i)
        out += source.width() == 1 ? ", NULL" : fmt::format(", d{}", i);
    for (size_t i = 0; i < source.info.kept.size(); ++i) out += ", NULL";
    return out;
}

// GROUPING() has a bit for every argument that is not in the set, the last argument lowest.
// With one dimension there is only the total above the segments, and d1 is in no set.
std::string level(const Layout &source) {
    if (source.width() == 1) return "0::int2";
    std::string reversed;
    for (size_t i = source.width(); i > 0; --i) reversed = list(reversed, fmt::format("d{}", i));
    return fmt::format("({} - GROUPING({}))::int2", source.info.full_level(), reversed);
}

}  // namespace

std::string summed(const Layout &source) {
    std::string out = "kpi._count(n) AS n";
    for (const std::string &column : source.sums())
        out += fmt::format(", kpi.{1}({0}) AS {0}", column,
                           column.find('_') == std::string::npos ? "_total" : "_count");
    return out;
}

std::string is_void(const Layout &source, const std::string &prefix) {
    std::string out = fmt::format("({}n = 0", prefix);
    for (const std::string &column : source.sums())
        out += fmt::format(" AND coalesce({}{}, 0) = 0", prefix, column);
    return out + ")";
}

// Coarse levels are summed from the full segments and days from hours, which are far fewer than the
// rows: eight grouping sets over the rows themselves cost more than twice as much. The values of
// counted measures are grouped with full segments only: most belong to one, so that coarser rows
// would be as many again and save no reader any work.
std::string grouped(const Layout &source, const std::string &rows) {
    const std::string columns = source.more_dims() + ", n" + source.each_sum("{0}");
    std::string out = fmt::format(
        R"(
  WITH hours AS MATERIALIZED (
    SELECT CASE WHEN day >= (SELECT hours_from FROM bounds) THEN hour ELSE '-infinity' END AS hour,
           day{dims}, {summed}
      FROM {rows} GROUP BY 1, 2{dims}),
  days AS MATERIALIZED (SELECT day{dims}, {summed} FROM hours GROUP BY day{dims})
  SELECT * FROM (
    SELECT {full} AS level, day, hour{columns} FROM hours WHERE hour > '-infinity'
    UNION ALL SELECT {full}, day, NULL{columns} FROM days)",
        fmt::arg("dims", source.more_dims()), fmt::arg("summed", summed(source)),
        fmt::arg("rows", rows), fmt::arg("full", segment_level(source)),
        fmt::arg("columns", columns));
    const std::string sums = source.info.holds_sums();
    if (source.width() > 0)
        out += fmt::format(
            R"(
    UNION ALL SELECT {level}, day, hour{dims}, {summed} FROM hours WHERE hour > '-infinity'{and_sums}
     GROUP BY GROUPING SETS ({hour_sets})
    UNION ALL SELECT {level}, day, NULL{dims}, {summed} FROM days{where_sums}
     GROUP BY GROUPING SETS ({day_sets}))",
            fmt::arg("level", level(source)), fmt::arg("dims", coarse_dims(source)),
            fmt::arg("and_sums", sums.empty() ? "" : " AND " + sums),
            fmt::arg("where_sums", sums.empty() ? "" : " WHERE " + sums),
            fmt::arg("summed", summed(source)),
            fmt::arg("hour_sets", coarse_sets(source, "day, hour")),
            fmt::arg("day_sets", coarse_sets(source, "day")));
    return out + fmt::format(") g WHERE NOT {}", is_void(source, ""));
}

}  // namespace kpi::engine
