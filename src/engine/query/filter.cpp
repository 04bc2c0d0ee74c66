#include "engine/query/filter.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "pg/input.hpp"

namespace kpi::engine {
namespace {

// One row per value: dimension, operator ('' for a plain value, NULL for several), value as text,
// its JSON type. A list without elements has one row with a NULL type.
constexpr const char *kValues =
    "SELECT f.key, n.operator, e.value #>> '{}', pg_catalog.jsonb_typeof(e.value) "
    "FROM pg_catalog.jsonb_each($1) WITH ORDINALITY f(key, value, place) "
    "CROSS JOIN LATERAL (SELECT CASE WHEN pg_catalog.jsonb_typeof(f.value) = 'object' THEN "
    "(SELECT CASE WHEN count(*) = 1 THEN min(k) END FROM pg_catalog.jsonb_object_keys(f.value) k) "
    "ELSE '' END AS operator) n "
    "CROSS JOIN LATERAL (SELECT CASE n.operator WHEN '' THEN f.value ELSE f.value -> n.operator "
    "END "
    "AS wanted) w "
    "LEFT JOIN LATERAL pg_catalog.jsonb_array_elements(CASE pg_catalog.jsonb_typeof(w.wanted) WHEN "
    "'array' "
    "THEN w.wanted ELSE pg_catalog.jsonb_build_array(w.wanted) END) e ON true ORDER BY f.place";

[[noreturn]] void malformed(const std::string &dimension) {
    throw Error("22023", fmt::format("filter on \"{}\" is not understood", dimension), {},
                "Use a value, a list of values, {\"not\": value or values}, {\"like\": pattern or "
                "patterns}, {\"not_like\": ...} or null.");
}

}  // namespace

std::vector<Filter> parse_filters(const std::string &jsonb) {
    std::vector<Filter> out;
    if (jsonb.empty() || jsonb == "{}") return out;
    if (jsonb[0] != '{')
        throw Error("22023", "filters must be a JSON object", {},
                    "For example {\"country\": \"MX\"}.");
    const Table table =
        pg::query(kValues, {Json{jsonb}}, {.access = pg::Access::read_only, .keep = pg::Keep::yes});
    for (const Row &row : table.rows) {
        const Cell &how = row[1];
        if (!how || (*how != "" && *how != "not" && *how != "like" && *how != "not_like"))
            malformed(*row[0]);
        if (out.empty() || out.back().dimension != *row[0])
            out.push_back({*row[0], how->starts_with("not"), how->ends_with("like"), {}, false});
        if (!row[3]) continue;
        if (*row[3] == "object" || *row[3] == "array") malformed(*row[0]);
        if (row[2])
            out.back().values.push_back(*row[2]);
        else
            out.back().with_null = true;
    }
    return out;
}

void check_values(const Filter &filter, const DimensionInfo &dimension) {
    if (filter.like || !dimension.built_in || dimension.type == "text") return;
    for (const std::string &value : filter.values) {
        try {
            pg::check_value(dimension.type, value);
        } catch (const Error &error) {
            throw Error(error.sqlstate,
                        fmt::format("filter on \"{}\": \"{}\" is not a value of type {}",
                                    filter.dimension, value, dimension.type),
                        error.message, error.hint);
        }
    }
}

std::string condition(const Filter &filter, const DimensionInfo &dimension,
                      const std::string &column, const std::string &values) {
    // Cast once, not for every row.
    const std::string typed = fmt::format("ARRAY(SELECT f.v::{} FROM pg_catalog.unnest({}) f(v))",
                                          dimension.type, values);
    // Array containment compares by the type's default equality whatever the search path; `=` may
    // be another one.
    std::string among = dimension.built_in ? fmt::format("{} = ANY ({})", column, typed)
                                           : fmt::format("{} @> ARRAY[{}]", typed, column);
    // There are no arrays of arrays: values of an array type are compared one by one.
    if (dimension.type.ends_with("[]"))
        among = fmt::format("{} IN (SELECT f.v::{} FROM pg_catalog.unnest({}) f(v))", column,
                            dimension.type, values);
    // Patterns are matched byte by byte: a collation that ignores case knows no LIKE.
    if (filter.like)
        among = fmt::format("{}::text COLLATE pg_catalog.\"C\" LIKE ANY ({})", column, values);
    // Not IS NULL: a row of NULLs would be one, and a row with a NULL in it would be neither.
    const std::string none = column + " IS NOT DISTINCT FROM NULL";
    const std::string any = column + " IS DISTINCT FROM NULL";
    if (filter.negated) {
        if (filter.values.empty()) return filter.with_null ? any : "true";
        return filter.with_null ? fmt::format("({} AND NOT ({}))", any, among)
                                : fmt::format("({} OR NOT ({}))", none, among);
    }
    if (filter.values.empty()) return filter.with_null ? none : "false";
    return filter.with_null ? fmt::format("({} OR {})", none, among) : among;
}

}  // namespace kpi::engine
