#include "engine/registry/source_info.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/dates.hpp"
#include "core/error.hpp"
#include "core/similar_names.hpp"

namespace kpi::engine {
namespace {

// Scalar sub-selects: a kept plan does not know how few sources are asked for, and would read all
// of pg_class for a join.
constexpr const char *kSources =
    "SELECT s.name, s.facts::oid, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = s.facts), "
    "s.timezone, s.capture, s.hours_from, s.frozen_before, "
    "(SELECT (extract(epoch FROM t.computed_at) * 1000000)::int8 - 946684800000000 "
    "FROM kpi.source_state t WHERE t.source = s.name), pg_catalog.cardinality(s.dimensions), "
    "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = "
    "pg_catalog.to_regclass('kpi_data.' || pg_catalog.quote_ident(s.name || '_delta')) AND "
    "a.attnum > 0 AND NOT a.attisdropped), (extract(epoch FROM s.lookback) * 1000000)::int8, "
    "(extract(epoch FROM s.created_at) * 1000000)::int8 - 946684800000000 FROM kpi.source s WHERE "
    "s.name = ANY ($1)";

constexpr const char *kDimensions =
    "SELECT s.name, d.name, pg_catalog.format_type(a.atttypid, -1), "
    "CASE WHEN l.oid IS NULL THEN '' ELSE pg_catalog.quote_ident(ln.nspname) || '.' || "
    "pg_catalog.quote_ident(l.collname) END, "
    "t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace OR t.typtype = 'e' "
    "FROM kpi.source s "
    "CROSS JOIN LATERAL pg_catalog.unnest(s.dimensions) WITH ORDINALITY d(name, place) "
    "JOIN pg_catalog.pg_attribute a ON a.attname = 'd' || d.place AND a.attrelid = "
    "pg_catalog.to_regclass('kpi_data.' || pg_catalog.quote_ident(s.name || '_delta')) "
    "JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
    "LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation "
    "LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace "
    "WHERE s.name = ANY ($1) ORDER BY s.name, d.place";

constexpr const char *kMeasures =
    "SELECT source, name, position, type = 'numeric'::pg_catalog.regtype, NULL::pg_catalog.name, "
    "NULL, NULL FROM kpi.measure WHERE source = ANY ($1) UNION ALL "
    "SELECT source, name, position, false, \"column\", kind, error FROM kpi.counted "
    "WHERE source = ANY ($1) ORDER BY 1, 3, 2";

SourceInfo from_row(const Row &row) {
    SourceInfo info;
    info.name = *row[0];
    info.facts = ObjectId{uint32_t(std::stoul(*row[1]))};
    info.owner = ObjectId{uint32_t(std::stoul(*row[2]))};
    info.timezone = *row[3];
    info.capture = *row[4];
    info.hours_from = *row[5];
    info.frozen_before = *row[6];
    if (row[7]) info.computed_at = Timestamp{std::stoll(*row[7])};
    info.dimension_count = std::stoul(*row[8]);
    info.columns = std::stoul(*row[9]);
    info.lookback = std::stoll(*row[10]);
    info.created_at = Timestamp{std::stoll(*row[11])};
    return info;
}

SourceInfo *find(std::vector<SourceInfo> &sources, const std::string &name) {
    for (SourceInfo &source : sources)
        if (source.name == name) return &source;
    return nullptr;
}

// $1 as it is, and folded as SQL folds what is not quoted.
constexpr const char *kNamed = R"(
SELECT s.name, s.name = $1, pg_catalog.format('%I.%I', n.nspname, c.relname)
  FROM kpi.source s
  LEFT JOIN pg_catalog.pg_class c ON c.oid = s.facts
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE s.name = $1
    OR $1 IN (c.relname, pg_catalog.quote_ident(c.relname), n.nspname || '.' || c.relname,
              pg_catalog.format('%I.%I', n.nspname, c.relname))
    OR pg_catalog.lower($1) IN (pg_catalog.quote_ident(c.relname),
                                pg_catalog.format('%I.%I', n.nspname, c.relname))
 ORDER BY 2 DESC, 1)";

constexpr const char *kNames = R"(
SELECT s.name FROM kpi.source s
 UNION
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM kpi.source s
  JOIN pg_catalog.pg_class c ON c.oid = s.facts
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)";

}  // namespace

Timestamp SourceInfo::as_of(Timestamp snapshot, Timestamp bucket) const {
    if (!computed_at) return snapshot;
    const Timestamp last{std::max(created_at.microseconds, bucket.microseconds + lookback)};
    return std::min({snapshot, *computed_at, last});
}

namespace {

bool is_true(const Cell &cell) { return cell == "t"; }

// Half a restore, or a change by hand: whatever counts on positions would be wrong in silence.
void check_shape(const SourceInfo &source, Dimensions loaded) {
    size_t columns = 3;  // hour, day, n
    bool in_order = !source.measures.empty();
    for (size_t i = 0; i < source.measures.size(); ++i) {
        in_order = in_order && source.measures[i].position == int(i) + 1;
        columns += source.measures[i].kind == MeasureKind::numeric ? 4 : 1;
    }
    for (size_t i = 0; i < source.kept.size(); ++i)
        in_order = in_order && source.kept[i].position == int(i) + 1;
    columns += source.dimension_count + source.kept.size();
    if (in_order && columns == source.columns &&
        (loaded == Dimensions::skip || source.dimensions.size() == source.dimension_count))
        return;
    throw Error(
        "55000",
        fmt::format("the registry of source \"{}\" and its tables do not fit together",
                    source.name),
        fmt::format(
            "kpi.source, kpi.measure and kpi.counted name {} dimensions, {} measures and {} "
            "columns of counted measures; kpi_data.{}_delta has {} columns.",
            source.dimension_count, source.measures.size(), source.kept.size(), source.name,
            source.columns),
        "Restore the rest of the dump, or call kpi.untrack and kpi.track again.");
}

}  // namespace

int SourceInfo::dimension(const std::string &dimension_name) const {
    for (size_t i = 0; i < dimensions.size(); ++i)
        if (dimensions[i].name == dimension_name) return int(i);
    return -1;
}

std::string SourceInfo::holds_sums(const std::string &prefix) const {
    std::string out;
    for (const KeptInfo &column : kept)
        out += fmt::format("{}{}v{} IS NULL", out.empty() ? "" : " AND ", prefix, column.position);
    return out;
}

std::string source_named(const std::string &text, pg::Access access) {
    const pg::Options options{.access = access};
    const Table found = pg::query(kNamed, {text}, options);
    if (found.rows.size() == 1 || (!found.empty() && is_true(found.rows[0][1])))
        return *found.rows[0][0];
    std::vector<std::string> names;
    if (!found.empty()) {
        for (const Row &row : found.rows) names.push_back(*row[0]);
        throw Error("42P09",
                    fmt::format("\"{}\" is the name of the facts views of several sources", text),
                    {}, fmt::format("Name the source: {}.", quoted_list(names)));
    }
    for (const Row &row : pg::query(kNames, {}, options).rows) names.push_back(*row[0]);
    const std::string meant = near(text, names);
    throw Error("42704", fmt::format("source \"{}\" does not exist", text), {},
                meant.empty() ? "SELECT name FROM kpi.source lists them."
                              : fmt::format("Did you mean {}?", meant));
}

std::vector<SourceInfo> load_sources(const std::vector<std::string> &names, pg::Access access,
                                     Dimensions dimensions) {
    const pg::Options options{.access = access, .keep = pg::Keep::yes};
    std::vector<SourceInfo> out;
    const Table sources = pg::query(kSources, {names}, options);
    for (const std::string &name : names) {
        bool found = false;
        for (const Row &row : sources.rows) {
            if (*row[0] != name) continue;
            out.push_back(from_row(row));
            found = true;
        }
        if (!found)
            throw Error("42704", fmt::format("source \"{}\" does not exist", name), {},
                        "SELECT name FROM kpi.source lists them.");
    }
    if (dimensions == Dimensions::load)
        for (const Row &row : pg::query(kDimensions, {names}, options).rows)
            find(out, *row[0])->dimensions.push_back({*row[1], *row[2], *row[3], is_true(row[4])});
    for (const Row &row : pg::query(kMeasures, {names}, options).rows) {
        SourceInfo &source = *find(out, *row[0]);
        const int position = std::stoi(*row[2]);
        if (!row[4]) {
            source.measures.push_back(
                {*row[1], position, is_true(row[3]) ? MeasureKind::numeric : MeasureKind::integer});
            continue;
        }
        source.counted.push_back({*row[1], position, *row[4],
                                  counted_kind(*row[5]).value_or(CountedKind::distinct),
                                  row[6] ? std::stod(*row[6]) : 0});
        if (source.kept.empty() || source.kept.back().position != position)
            source.kept.push_back({position, *row[4], *row[1]});
    }
    for (const SourceInfo &source : out) check_shape(source, dimensions);
    return out;
}

SourceInfo load_source(const std::string &name, pg::Access access) {
    return std::move(load_sources({name}, access).front());
}

}  // namespace kpi::engine
