#include "engine/columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// levels are a bit mask of 16 bits, and each dimension is one more rollup row
constexpr size_t kMaxDimensions = 12;
const char *const kReserved[] = {"day", "hour", "row_count"};  // columns of the typed views

struct Column {
    std::string name, type, base_type, collation;
    bool groupable = false;
};

std::vector<Column> load(ObjectId facts) {
    const Table t = pg::query(
        "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), "
        "pg_catalog.format_type(b.oid, NULL), "
        "  CASE WHEN a.attcollation <> 0 THEN pg_catalog.quote_ident(n.nspname) || '.' || "
        "    pg_catalog.quote_ident(c.collname) ELSE '' END, "
        "  EXISTS (SELECT FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am m ON m.oid = "
        "o.opcmethod "
        "    WHERE m.amname = 'hash' AND o.opcdefault AND (o.opcintype = b.oid "
        "      OR (b.typtype = 'e' AND o.opcintype = 'anyenum'::pg_catalog.regtype) "
        "      OR (b.typcategory = 'A' AND o.opcintype = 'anyarray'::pg_catalog.regtype) "
        "      OR EXISTS (SELECT FROM pg_catalog.pg_cast k WHERE k.castsource = b.oid AND "
        "k.casttarget = o.opcintype "
        "        AND k.castmethod = 'b'))) "
        "FROM pg_catalog.pg_attribute a "
        "CROSS JOIN LATERAL (WITH RECURSIVE d AS (SELECT t.oid, t.typtype, t.typbasetype, "
        "t.typcategory "
        "    FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid UNION ALL "
        "    SELECT t.oid, t.typtype, t.typbasetype, t.typcategory FROM pg_catalog.pg_type t JOIN "
        "d ON t.oid = d.typbasetype) "
        "  SELECT * FROM d WHERE typtype <> 'd') b "
        "LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation "
        "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace "
        "WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        {facts});
    std::vector<Column> out;
    for (const Row &row : t.rows)
        out.push_back({*row[0], *row[1], *row[2], *row[3], *row[4] == "t"});
    return out;
}

std::string list(const std::vector<Column> &columns) {
    std::string out;
    for (const Column &column : columns) out += (out.empty() ? "" : ", ") + column.name;
    return out;
}

const Column &find(const std::vector<Column> &columns, const std::string &name, const char *role) {
    const auto it = std::find_if(columns.begin(), columns.end(),
                                 [&](const Column &c) { return c.name == name; });
    if (it == columns.end())
        throw Error("42703", fmt::format("{} \"{}\" is not a column of the facts view", role, name),
                    {}, fmt::format("The view has the columns {}.", list(columns)));
    return *it;
}

void check_name(const std::string &name) {
    for (const char *reserved : kReserved)
        if (name == reserved)
            throw Error("42P17",
                        fmt::format("column \"{}\" of the facts view has a reserved name", name),
                        "The typed views have a column of that name.",
                        fmt::format("Rename it in the view: {} AS {}_value.", name, name));
}

bool is_measure(const Column &column) {
    const std::string &type = column.base_type;
    if (type == "smallint" || type == "integer" || type == "bigint" || type == "numeric")
        return true;
    const std::string mend = fmt::format("Cast it in the view: {}::numeric AS {}.",
                                         pg::quote(column.name), pg::quote(column.name));
    if (type == "real" || type == "double precision")
        throw Error(
            "42804", fmt::format("measure \"{}\" is of type {}", column.name, column.type),
            "Floating-point sums depend on the order of the rows and cannot be kept exactly.",
            mend);
    if (type == "money")
        throw Error("42804", fmt::format("measure \"{}\" is of type money", column.name),
                    "Its meaning depends on lc_monetary.", mend);
    return false;
}

}  // namespace

FactsColumns sort_columns(ObjectId facts, const std::string &time_column,
                          const std::vector<std::string> &dimensions) {
    const std::vector<Column> columns = load(facts);
    FactsColumns out;
    const Column &time = find(columns, time_column, "time column");
    out.time_column = time.name;
    out.time_type = time.base_type;
    if (time.base_type != "timestamp with time zone" &&
        time.base_type != "timestamp without time zone" && time.base_type != "date")
        throw Error("42804", fmt::format("time column \"{}\" is of type {}", time.name, time.type),
                    {}, "Use a column of type timestamptz, timestamp or date.");
    if (dimensions.size() > kMaxDimensions)
        throw Error("54011", fmt::format("a source can have at most {} dimensions", kMaxDimensions),
                    {},
                    "Track two views over the same table, each with the dimensions that are asked "
                    "for together.");
    std::set<std::string> used{time.name};
    for (const std::string &name : dimensions) {
        const Column &column = find(columns, name, "dimension");
        if (!used.insert(name).second)
            throw Error("42701", fmt::format("column \"{}\" is named twice", name), {},
                        "A column is either the time column or one dimension.");
        check_name(name);
        if (!column.groupable)
            throw Error("42804",
                        fmt::format("dimension \"{}\" is of type {}, which cannot be hashed", name,
                                    column.type),
                        {}, fmt::format("Cast it in the view: {0}::text AS {0}.", pg::quote(name)));
        out.dimensions.push_back({name, column.base_type, column.collation});
    }
    for (const Column &column : columns) {
        if (used.count(column.name) != 0 || !is_measure(column)) continue;
        check_name(column.name);
        const bool exact = column.base_type == "numeric";
        out.measures.push_back({column.name, exact ? MeasureKind::numeric : MeasureKind::integer});
        out.measure_types.push_back(column.base_type);
    }
    if (out.measures.empty())
        throw Error("42P17", "facts view has no measure",
                    "A measure is a numeric column that is not a dimension.",
                    "Add one, for example: 1 AS events.");
    return out;
}

}  // namespace kpi::engine
