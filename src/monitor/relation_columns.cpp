#include <fmt/format.h>

#include <map>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "monitor/detect.hpp"

namespace kpi::monitor {
namespace {

struct Column {
    std::string type;
    bool is_number = false, is_time = false;
};

using Columns = std::map<std::string, Column>;

Columns columns_of(ObjectId relation) {
    const Table t = pg::query(
        R"(
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), t.typcategory = 'N',
       t.typcategory = 'D' AND t.oid NOT IN ('pg_catalog.time'::pg_catalog.regtype, 'pg_catalog.timetz'::pg_catalog.regtype)
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped)",
        {relation}, {.access = pg::Access::read_only});
    Columns out;
    for (const Row &row : t.rows) out[*row[0]] = {*row[1], row[2] == "t", row[3] == "t"};
    return out;
}

const Column &find(const Columns &columns, const std::string &name, const char *argument) {
    const auto found = columns.find(name);
    if (found != columns.end()) return found->second;
    constexpr size_t kMost = 12;
    std::vector<std::string> names;
    for (const auto &column : columns) names.push_back(column.first);
    const std::string meant = near(name, names);
    const std::string more = names.size() > kMost ? " and others" : "";
    if (names.size() > kMost) names.resize(kMost);
    throw Error("42703", fmt::format("{}: there is no column \"{}\"", argument, name), {},
                meant.empty() ? fmt::format("The columns are {}{}.", quoted_list(names), more)
                              : fmt::format("Did you mean {}?", meant));
}

void require_number(const Columns &columns, const std::string &name, const char *argument) {
    const Column &column = find(columns, name, argument);
    if (column.is_number) return;
    throw Error(
        "42804",
        fmt::format("{}: column \"{}\" is of type {}, not a number", argument, name, column.type),
        {}, "Judge a numeric column, or a view that casts it.");
}

}  // namespace

void check_columns(ObjectId relation, const DetectRequest &request) {
    const Columns columns = columns_of(relation);
    const Column &time = find(columns, request.at, "at");
    if (!time.is_time)
        throw Error(
            "42804",
            fmt::format("at: column \"{}\" is of type {}, not a time", request.at, time.type), {},
            "Use a column of type timestamptz, timestamp or date.");
    require_number(columns, request.value, "value");
    if (request.denominator) require_number(columns, *request.denominator, "denominator");
    for (const std::string &name : request.by) (void)find(columns, name, "by");
}

}  // namespace kpi::monitor
