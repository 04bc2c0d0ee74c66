#include "engine/query/recent.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "engine/query/branches.hpp"
#include "engine/query/filter.hpp"
#include "engine/query/groups.hpp"
#include "engine/registry/source_info.hpp"
#include "pg/clock.hpp"

namespace kpi::engine {
namespace {

struct TimeColumn {
    std::string name, type;  // quoted; format_type
};

TimeColumn time_column(const SourceInfo &source) {
    const Table found = pg::query(
        "WITH RECURSIVE t AS (SELECT s.time_column, a.atttypid AS oid FROM kpi.source s JOIN "
        "pg_catalog.pg_attribute a ON a.attrelid = s.facts AND a.attname = s.time_column WHERE "
        "s.name = $1 UNION ALL SELECT t.time_column, y.typbasetype FROM t JOIN pg_catalog.pg_type "
        "y ON y.oid = t.oid WHERE y.typtype = 'd') SELECT t.time_column, "
        "pg_catalog.format_type(t.oid, NULL) FROM t JOIN pg_catalog.pg_type y ON y.oid = t.oid "
        "WHERE y.typtype <> 'd'",
        {source.name}, kRead);
    if (found.empty())
        throw Error("55000", fmt::format("the facts view of source \"{}\" has lost its time column",
                                         source.name));
    return {pg::quote(*found.rows[0][0]), *found.rows[0][1]};
}

// A row of names as jsonb: of any number of columns, which jsonb_build_object is not.
template <class Columns>
std::string object_of(const Columns &columns) {
    if (columns.empty()) return "'{}'::jsonb";
    std::string names;
    for (const auto &column : columns)
        names += (names.empty() ? "x." : ", x.") + pg::quote(column.name);
    return fmt::format("(SELECT to_jsonb(r) FROM (SELECT {}) r)", names);
}

}  // namespace

void recent(const std::string &source, int n, const std::string &filters, pg::ResultSet &out) {
    if (n < 1 || n > kRecentAtMost)
        throw Error("22023", fmt::format("n must be between 1 and {}", kRecentAtMost), {},
                    "For longer lists read the facts view itself.");
    const SourceInfo info =
        load_source(source_named(source, pg::Access::read_only), pg::Access::read_only);
    const TimeColumn time = time_column(info);
    const bool is_instant = time.type == "timestamp with time zone";
    const std::string zone = pg::literal(info.timezone);
    Binder binder;
    std::string latest = binder.bind(pg::snapshot_time(), "timestamptz");
    if (!is_instant) latest = fmt::format("({} AT TIME ZONE {})", latest, zone);
    if (time.type == "date") latest += "::date";
    std::string where = "true";
    const std::vector<Filter> wanted = parse_filters(filters);
    for (const Filter &filter : wanted) {
        const DimensionInfo &dimension =
            info.dimensions[size_t(require_dimension(info, filter.dimension))];
        check_values(filter, dimension);
        where += " AND " + condition(filter, dimension, "x." + pg::quote(dimension.name),
                                     binder.bind(filter.values, "text[]"));
    }
    const std::string at = is_instant
                               ? "x." + time.name
                               : fmt::format("x.{}::timestamp AT TIME ZONE {}", time.name, zone);
    const std::string sql = fmt::format(
        "SELECT {0}, {1}, {2} FROM (SELECT * FROM {3} f WHERE f.{4} <= {5} ORDER BY f.{4} DESC "
        "LIMIT {6}) x WHERE {7} ORDER BY x.{4} DESC LIMIT {8}",
        at, object_of(info.dimensions), object_of(info.measures), pg::qualified(info.facts),
        time.name, latest, wanted.empty() ? n : std::max(n, kRecentLookedAt), where, n);
    // Not kept: the planner must see how few rows are wanted and where they end.
    out.append_query(sql, binder.take(), {.access = pg::Access::read_only});
}

}  // namespace kpi::engine
