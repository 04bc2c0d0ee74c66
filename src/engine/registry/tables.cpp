#include "engine/registry/tables.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "engine/registry/triggers.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// The delta is a queue: dead rows follow the merges, whatever its size, so vacuum by count; and
// never give pages back, because that takes an AccessExclusive lock in front of writers.
constexpr const char *kDeltaStorage =
    "autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_scale_factor = 0, "
    "autovacuum_vacuum_insert_threshold = -1, "
    "vacuum_truncate = off, toast.vacuum_truncate = off";
// Merges update counters, which the index does not cover: room on the page keeps these updates HOT.
constexpr const char *kRollupStorage =
    "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.1";

std::string key_column(char letter, size_t i, const NewDimension &column) {
    std::string out = fmt::format("{}{} {}", letter, i + 1, column.type);
    if (!column.collation.empty()) out += " COLLATE " + column.collation;
    return out;
}

std::vector<std::string> sum_columns(size_t i, MeasureKind kind) {
    std::vector<std::string> out{fmt::format("m{} numeric", i + 1)};
    if (kind != MeasureKind::numeric) return out;
    for (const char *counter : {"nan", "pinf", "ninf"})
        out.push_back(fmt::format("m{}_{} int8", i + 1, counter));
    return out;
}

std::string key_columns(const NewSource &source) {
    std::string out;
    for (size_t i = 0; i < source.dimensions.size(); ++i)
        out += ", " + key_column('d', i, source.dimensions[i]);
    for (size_t i = 0; i < source.kept.size(); ++i)
        out += ", " + key_column('v', i, source.kept[i].value);
    return out;
}

std::string measure_columns(const NewSource &source) {
    std::string out;
    for (size_t i = 0; i < source.measures.size(); ++i)
        for (const std::string &column : sum_columns(i, source.measures[i].kind))
            out += ", " + column;
    return out;
}

constexpr const char *kLogged = "CREATE TABLE";
constexpr const char *kTables[] = {"delta", "rollup_day", "rollup_hour", "so_far"};

// The segment part of an index: a hash, because values may be longer than an index entry may be.
std::string segment_key(size_t dimensions, size_t kept) {
    std::string row;
    for (size_t i = 0; i < dimensions; ++i) row += fmt::format("{}d{}", i == 0 ? "" : ", ", i + 1);
    for (size_t i = 0; i < kept; ++i) row += fmt::format("{}v{}", row.empty() ? "" : ", ", i + 1);
    return row.empty() ? row : fmt::format(", pg_catalog.hash_record_extended(ROW({}), 0)", row);
}

struct Shape {
    const char *create;
    const char *suffix;
    const char *keys;   // columns before the dimensions
    const char *index;  // index columns before the segment; empty: no index
    const char *storage;
    const char *comment;
};

void comment_column(const std::string &table, const std::string &column, const std::string &text) {
    pg::execute(fmt::format("COMMENT ON COLUMN {}.{} IS {}", table, column, pg::literal(text)));
}

void comment_kept(const std::string &table, size_t i, const NewKept &kept) {
    const char *what = kept.timed ? "Time and value" : kept.error > 0 ? "Bucket" : "Value";
    comment_column(table, fmt::format("v{}", i + 1),
                   fmt::format("{} of {}: n counts its rows", what, kept.value.name));
}

void comment_sum(const std::string &table, size_t i, const NewMeasure &measure) {
    const auto &[name, kind] = measure;
    comment_column(table, fmt::format("m{}", i + 1), fmt::format("Sum of measure {}", name));
    if (kind != MeasureKind::numeric) return;
    comment_column(table, fmt::format("m{}_nan", i + 1), fmt::format("Number of NaN in {}", name));
    comment_column(table, fmt::format("m{}_pinf", i + 1),
                   fmt::format("Number of Infinity in {}", name));
    comment_column(table, fmt::format("m{}_ninf", i + 1),
                   fmt::format("Number of -Infinity in {}", name));
}

void comment_columns(const NewSource &source, const std::string &table) {
    for (size_t i = 0; i < source.dimensions.size(); ++i)
        comment_column(table, fmt::format("d{}", i + 1), "Dimension " + source.dimensions[i].name);
    for (size_t i = 0; i < source.kept.size(); ++i) comment_kept(table, i, source.kept[i]);
    for (size_t i = 0; i < source.measures.size(); ++i) comment_sum(table, i, source.measures[i]);
}

void create(const NewSource &source, const Shape &shape, const std::string &owner) {
    const std::string table = data_table(source.name, shape.suffix);
    pg::execute(fmt::format("{} {} ({}{}{}) WITH ({})", shape.create, table, shape.keys,
                            key_columns(source), measure_columns(source), shape.storage));
    // A publication FOR ALL TABLES would otherwise refuse every UPDATE and DELETE of the merge.
    pg::execute(fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL", table));
    if (shape.index[0] != '\0')
        pg::execute(fmt::format("CREATE INDEX ON {} ({}{})", table, shape.index,
                                segment_key(source.dimensions.size(), source.kept.size())));
    pg::execute(fmt::format("COMMENT ON TABLE {} IS {}", table,
                            pg::literal(fmt::format("Source {}: {}", source.name, shape.comment))));
    comment_columns(source, table);
    // Default privileges of the schema or of the owner must not widen what is granted here.
    pg::execute(fmt::format("REVOKE ALL ON {} FROM PUBLIC", table));
    pg::execute(fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}", table, owner));
}

// A table that has an index, and the columns that it begins with.
struct Indexed {
    const char *suffix, *columns;
};
constexpr Indexed kIndexed[] = {{"rollup_day", "level, day"},
                                {"rollup_hour", "level, day, hour"},
                                {"so_far", "level, day, hour"}};

// Indexes of this beginning that do not see the column.
std::vector<std::string> unfit_indexes(const Indexed &indexed, const std::string &table,
                                       const std::string &column) {
    const Table found = pg::query(
        "SELECT i.indexrelid::pg_catalog.oid FROM pg_catalog.pg_index i WHERE i.indrelid = "
        "$1::pg_catalog.regclass AND pg_catalog.pg_get_indexdef(i.indexrelid) LIKE "
        "'% USING btree (' || $2 || '%' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN "
        "pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE "
        "d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid AND "
        "d.refobjid = i.indrelid AND a.attname = $3)",
        {table, std::string(indexed.columns), column});
    std::vector<std::string> out;
    for (const Row &row : found.rows)
        out.push_back(pg::qualified(ObjectId{uint32_t(std::stoul(*row[0]))}));
    return out;
}

void add_columns(const std::string &source, const std::vector<std::string> &columns) {
    for (const char *suffix : kTables)
        pg::execute(fmt::format("ALTER TABLE {} ADD COLUMN {}", data_table(source, suffix),
                                fmt::join(columns, ", ADD COLUMN ")));
}

}  // namespace

std::string data_table(const std::string &source, const std::string &suffix) {
    return "kpi_data." + pg::quote(source + "_" + suffix);
}

void create_tables(const NewSource &source) {
    const auto role =
        pg::value("SELECT rolname FROM pg_catalog.pg_roles WHERE oid = $1", {source.owner});
    if (!role)
        throw Error("42704", fmt::format("role with OID {} does not exist", source.owner.value));
    const std::string owner = pg::quote(*role);
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const Shape shapes[] = {
        {kLogged, "delta", "hour timestamptz NOT NULL, day date NOT NULL, n int4 NOT NULL", "",
         kDeltaStorage, "changes not merged yet, one row per transaction, hour and segment"},
        {kLogged, "rollup_day", "level int2 NOT NULL, day date NOT NULL, n int8 NOT NULL",
         "level, day", kRollupStorage, "sums by day: total, single dimensions, full segments"},
        {kLogged, "rollup_hour",
         "level int2 NOT NULL, day date NOT NULL, hour timestamptz NOT NULL, n int8 NOT NULL",
         "level, day, hour", kRollupStorage,
         "sums by hour: total, single dimensions, full segments"},
        // Made anew by the worker whenever it is missing: no WAL, not on a standby.
        {"CREATE UNLOGGED TABLE", "so_far",
         "level int2 NOT NULL, day date NOT NULL, hour timestamptz NOT NULL, n int8 NOT NULL",
         "level, day, hour", kDeltaStorage,
         "sums of past days up to the instant hour, which today is compared with"},
    };
    for (const Shape &shape : shapes) create(source, shape, owner);
}

void add_column(const std::string &source, int position, const NewMeasure &measure) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const auto place = size_t(position) - 1;
    add_columns(source, sum_columns(place, measure.kind));
    for (const char *suffix : kTables) comment_sum(data_table(source, suffix), place, measure);
}

void add_column(const std::string &source, int position, const NewKept &kept) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const auto place = size_t(position) - 1;
    add_columns(source, {key_column('v', place, kept.value)});
    for (const char *suffix : kTables) comment_kept(data_table(source, suffix), place, kept);
}

void fit_indexes(const std::string &source, size_t dimensions, size_t kept) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    for (const Indexed &indexed : kIndexed) {
        const std::string table = data_table(source, indexed.suffix);
        const auto unfit = unfit_indexes(indexed, table, fmt::format("v{}", kept));
        if (unfit.empty()) continue;
        lock_bases(table, "ACCESS EXCLUSIVE");
        for (const std::string &index : unfit) pg::execute("DROP INDEX " + index);
        pg::execute(fmt::format("CREATE INDEX ON {} ({}{})", table, indexed.columns,
                                segment_key(dimensions, kept)));
    }
}

void drop_tables(const std::string &source) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const pg::LocalSettings quiet{{{"client_min_messages", "warning"}}};
    for (const char *suffix : {"daily", "hourly"})
        pg::execute(fmt::format("DROP VIEW IF EXISTS {}", data_table(source, suffix)));
    for (const char *suffix : kTables)
        pg::execute(fmt::format("DROP TABLE IF EXISTS {}", data_table(source, suffix)));
}

}  // namespace kpi::engine
