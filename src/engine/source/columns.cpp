#include "engine/source/columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "pg/hashable.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// levels are a bit mask of 16 bits, and each dimension is one more rollup row
constexpr size_t kMaxDimensions = 12;
// A delta row must fit on a page whatever the sums are: a measure takes up to 42 bytes, a pointer
// to its digits and three counters.
constexpr size_t kMaxMeasures = 160;
const char *const kReserved[] = {"day", "hour", "row_count"};  // columns of the typed views

struct Column {
    std::string name, type, base_type, collation;
    // the base type of a domain with its modifier: character(2), never character, which SQL reads
    // as character(1)
    std::string kept_type;
    ObjectId type_id;
};

std::vector<Column> load(ObjectId facts) {
    const Table t = pg::query(
        R"(
SELECT a.attname, pg_catalog.format_type(a.atttypid, NULL),
       pg_catalog.format_type(b.oid, NULL),
       CASE WHEN a.attcollation <> 0 THEN pg_catalog.quote_ident(n.nspname) || '.' ||
            pg_catalog.quote_ident(c.collname) ELSE '' END,
       pg_catalog.format_type(b.oid, b.modifier), a.atttypid
  FROM pg_catalog.pg_attribute a
 CROSS JOIN LATERAL (
       WITH RECURSIVE d AS (
            SELECT t.oid, t.typtype, t.typbasetype, t.typtypmod, a.atttypmod AS modifier
              FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
             UNION ALL
            SELECT t.oid, t.typtype, t.typbasetype, t.typtypmod, d.typtypmod
              FROM pg_catalog.pg_type t JOIN d ON t.oid = d.typbasetype)
       SELECT * FROM d WHERE typtype <> 'd') b
  LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)",
        {facts});
    std::vector<Column> out;
    for (const Row &row : t.rows)
        out.push_back(
            {*row[0], *row[1], *row[2], *row[3], *row[4], ObjectId{uint32_t(std::stoul(*row[5]))}});
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

bool is_float(const Column &column) {
    return column.base_type == "real" || column.base_type == "double precision";
}

bool is_exact(const Column &column) {
    const std::string &type = column.base_type;
    return type == "smallint" || type == "integer" || type == "bigint" || type == "numeric";
}

bool is_measure(const Column &column) {
    const std::string &type = column.base_type;
    if (is_exact(column)) return true;
    if (is_float(column))
        throw Error(
            "42804", fmt::format("measure \"{}\" is of type {}", column.name, column.type),
            "Floating-point sums depend on the order of the rows and cannot be kept exactly.",
            fmt::format("Cast it in the view: {0}::numeric AS {0}.", pg::quote(column.name)));
    if (type == "money")
        throw Error("42804", fmt::format("measure \"{}\" is of type money", column.name),
                    "Its meaning depends on lc_monetary, and so does its cast to numeric.",
                    fmt::format("Store it as numeric: ALTER TABLE ... ALTER COLUMN {0} TYPE "
                                "numeric USING {0}::numeric.",
                                pg::quote(column.name)));
    return false;
}

// Values of metrics are numbers.
void check_number(const Column &column, const Aggregate &aggregate) {
    const std::string &type = column.base_type;
    if (is_exact(column)) return;
    if (aggregate.kind == CountedKind::percentiles && is_float(column)) return;
    const bool is_time = type == "date" || type.starts_with("time") || type == "interval";
    const std::string name = pg::quote(column.name);
    throw Error("42804",
                fmt::format("column of aggregate \"{}\", \"{}\" is of type {}, whose {} {} no "
                            "exact number",
                            aggregate.name, column.name, column.type, word_of(aggregate.kind),
                            aggregate.kind == CountedKind::percentiles ? "are" : "is"),
                "Values of metrics are numeric: columns of type smallint, integer, bigint and "
                "numeric have them.",
                is_time ? fmt::format("Give the view a number of it, such as "
                                      "extract(epoch FROM {}) AS {}.",
                                      name, pg::quote(column.name + "_seconds"))
                        : fmt::format("Cast it in the view: {0}::numeric AS {0}.", name));
}

[[noreturn]] void refuse_twice(const std::string &column) {
    throw Error("42701", fmt::format("column \"{}\" is named twice", column), {},
                "A column is either the time column, one dimension, or of aggregates.");
}

// From 1: a column is kept once, whatever is made of it, once for each error, and once with times.
int place_of(std::vector<NewKept> &kept, const NewKept &column) {
    const auto found = std::find_if(kept.begin(), kept.end(), [&](const NewKept &other) {
        return other.value.name == column.value.name && other.error == column.error &&
               other.timed == column.timed;
    });
    const auto place = int(found - kept.begin()) + 1;
    if (found == kept.end()) kept.push_back(column);
    return place;
}

// What to write instead of a dimension that cannot be grouped.
std::string mend_of(const Column &column, const pg::Unhashable &what) {
    const std::string name = pg::quote(column.name);
    if (what.in_row && !what.in_array)
        return fmt::format("Name its fields in the view: ({}).field AS field.", name);
    if (what.has_numbers)
        return what.is_whole && what.name == "point"
                   ? fmt::format("Name its numbers in the view: {0}[0] AS x, {0}[1] AS y.", name)
                   : "Leave it out, or give the view a number or a text made of it.";
    if (what.has_fixed_text && what.is_whole)
        return fmt::format("Cast it in the view: {0}::text AS {0}.", name);
    if (what.has_fixed_text && what.in_array && !what.in_row)
        return fmt::format("Cast it in the view: {0}::text[] AS {0}.", name);
    return "Leave it out, or store it in the table as a type that can be compared, such as "
           "numeric or text.";
}

// `role`: what the column is to be.
NewDimension grouped(const Column &column, const std::string &role) {
    const pg::Unhashable what = pg::unhashable(column.type_id);
    if (what.part.value == 0) return {column.name, column.kept_type, column.collation};
    throw Error("42804",
                fmt::format("{} \"{}\" is of type {}, which cannot be hashed", role, column.name,
                            column.type),
                what.is_whole
                    ? std::string()
                    : fmt::format("Its {} of type {}, which has no hash function.",
                                  what.in_row ? "fields include one" : "elements are", what.name),
                mend_of(column, what));
}

}  // namespace

FactsColumns sort_columns(ObjectId facts, const std::string &time_column,
                          const std::vector<std::string> &dimensions,
                          const std::vector<Aggregate> &aggregates,
                          const std::optional<std::vector<std::string>> &sums) {
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
        if (!used.insert(name).second) refuse_twice(name);
        check_name(name);
        out.dimensions.push_back(grouped(column, "dimension"));
    }
    std::set<std::string> no_sums;
    for (const Aggregate &aggregate : aggregates) {
        const std::string role = fmt::format("column of aggregate \"{}\",", aggregate.name);
        const Column &column = find(columns, aggregate.column, role.c_str());
        if (used.count(column.name) != 0) refuse_twice(column.name);
        const bool is_number = aggregate.kind != CountedKind::distinct;
        if (is_number) check_number(column, aggregate);
        if (!is_number || is_float(column)) no_sums.insert(column.name);
        const NewKept kept =
            is_timed(aggregate.kind) ? NewKept{{column.name, "numeric[]", {}}, 0, true}
            : aggregate.error > 0    ? NewKept{{column.name, "integer", {}}, aggregate.error, false}
                                     : NewKept{grouped(column, role), 0, false};
        out.counted.push_back({aggregate.name, aggregate.kind, place_of(out.kept, kept)});
    }
    const auto is_sum = [&](const Column &column) {
        if (!sums) return no_sums.count(column.name) == 0;
        return std::find(sums->begin(), sums->end(), column.name) != sums->end();
    };
    std::set<std::string> counted;
    for (const Aggregate &aggregate : aggregates) counted.insert(aggregate.column);
    for (const Column &column : columns) {
        if (used.count(column.name) != 0) continue;
        if (!is_sum(column)) {
            if (counted.count(column.name) == 0 && is_exact(column))
                out.unused.push_back(column.name);
            continue;
        }
        if (!is_measure(column)) continue;
        check_name(column.name);
        const bool exact = column.base_type == "numeric";
        out.measures.push_back({column.name, exact ? MeasureKind::numeric : MeasureKind::integer});
        out.measure_types.push_back(column.base_type);
    }
    if (out.measures.size() > kMaxMeasures)
        throw Error("54011",
                    fmt::format("a source can have at most {} measures, the facts view has {}",
                                kMaxMeasures, out.measures.size()),
                    {}, "Track two views over the same table, each with a part of the columns.");
    if (out.measures.empty())
        throw Error("42P17", "facts view has no measure",
                    "A measure is a numeric column that is not a dimension.",
                    "Add one, for example: 1 AS events.");
    return out;
}

}  // namespace kpi::engine
