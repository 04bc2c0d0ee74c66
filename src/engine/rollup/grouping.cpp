#include "engine/rollup/grouping.hpp"

#include <fmt/format.h>

namespace kpi::engine {
namespace {

std::string list(const std::string &first, const std::string &rest) {
    if (first.empty() || rest.empty()) return first + rest;
    return first + ", " + rest;
}

std::string grouping_sets(const Layout &source) {
    std::string out;
    for (const char *bucket : {"day", "day, hour"}) {
        for (const int level : source.levels()) {
            std::string dims;
            for (size_t i = 0; i < source.width(); ++i)
                if ((level >> i & 1) != 0) dims = list(dims, fmt::format("d{}", i + 1));
            out = list(out, fmt::format("({})", list(bucket, dims)));
        }
    }
    return out;
}

// GROUPING() has a bit for every argument that is not in the set, the last argument lowest.
std::string level(const Layout &source) {
    if (source.info.dimensions.empty()) return "0::int2";
    std::string reversed;
    for (size_t i = source.width(); i > 0; --i) reversed = list(reversed, fmt::format("d{}", i));
    return fmt::format("({} - GROUPING({}))::int2", source.info.full_level(), reversed);
}

}  // namespace

std::string is_void(const Layout &source, const std::string &prefix) {
    std::string out = fmt::format("({}n = 0", prefix);
    for (const std::string &column : source.sums())
        out += fmt::format(" AND coalesce({}{}, 0) = 0", prefix, column);
    return out + ")";
}

std::string grouped(const Layout &source, const std::string &rows) {
    return fmt::format(
        R"(
  SELECT * FROM (
    SELECT {level} AS level, day, hour{dims}, sum(n)::int8 AS n{sums}
      FROM (SELECT CASE WHEN day >= (SELECT hours_from FROM bounds) THEN hour ELSE '-infinity' END
                     AS hour, day{dims}, n{columns}
              FROM {rows}) kept
     GROUP BY GROUPING SETS ({sets})) g
   WHERE hour IS DISTINCT FROM '-infinity' AND NOT {is_void})",
        fmt::arg("level", level(source)), fmt::arg("dims", source.more_dims()),
        fmt::arg("sums", source.each_sum("sum({0}) AS {0}")),
        fmt::arg("columns", source.each_sum("{0}")), fmt::arg("rows", rows),
        fmt::arg("sets", grouping_sets(source)), fmt::arg("is_void", is_void(source, "")));
}

}  // namespace kpi::engine
