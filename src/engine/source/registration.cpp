#include "engine/source/registration.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "engine/query/typed_view.hpp"
#include "engine/registry/source_info.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

std::vector<std::string> column_of(const Table &t) {
    std::vector<std::string> out;
    for (const Row &row : t.rows) out.push_back(*row[0]);
    return out;
}

void register_metric(const std::string &measure, ObjectId role) {
    pg::execute(
        "INSERT INTO kpi.metric (name, formula, owner, measure) VALUES ($1, "
        "pg_catalog.quote_ident($1), $2, $1)",
        {measure, role});
}

}  // namespace

std::optional<Registered> registered(ObjectId view) {
    const Table t = pg::query(
        "SELECT name, time_column, capture, coalesce(base::pg_catalog.oid, 0) FROM kpi.source "
        "WHERE facts = $1",
        {view});
    if (t.empty()) return std::nullopt;
    const Row &row = t.rows[0];
    Registered out{*row[0], *row[1], *row[2], ObjectId{uint32_t(std::stoul(*row[3]))}, {}, {}, {}};
    out.dimensions = column_of(
        pg::query("SELECT pg_catalog.unnest(dimensions) FROM kpi.source WHERE facts = $1", {view}));
    out.measures = column_of(
        pg::query("SELECT name FROM kpi.measure WHERE source = $1 ORDER BY position", {out.name}));
    for (const Row &counted :
         pg::query("SELECT name, \"column\", kind, error FROM kpi.counted WHERE source = $1 "
                   "ORDER BY position, name",
                   {out.name})
             .rows)
        out.aggregates.push_back({*counted[0], *counted[1],
                                  counted_kind(*counted[2]).value_or(CountedKind::distinct),
                                  counted[3] ? std::stod(*counted[3]) : 0});
    return out;
}

void register_sum(const MeasureOwner &owner, const std::string &name, int position,
                  const std::string &type) {
    pg::execute(
        "INSERT INTO kpi.measure (name, source, position, type) VALUES ($1, $2, $3, "
        "$4::pg_catalog.regtype)",
        {name, owner.source, int64_t(position), type});
    register_metric(name, owner.role);
}

void register_counted(const MeasureOwner &owner, const NewCounted &measure, const NewKept &kept) {
    pg::execute(
        "INSERT INTO kpi.counted (name, source, position, \"column\", kind, error) VALUES "
        "($1, $2, $3, $4, $5, $6::pg_catalog.float8)",
        {measure.name, owner.source, int64_t(measure.position), kept.value.name,
         std::string(word_of(measure.kind)),
         kept.error > 0 ? Param(fmt::format("{}", kept.error)) : Param(Null{})});
    register_metric(measure.name, owner.role);
}

void check_measure_name(const std::string &name) {
    const Table t = pg::query(
        "SELECT measure, (SELECT source FROM (SELECT name, source FROM kpi.measure UNION ALL "
        "SELECT name, source FROM kpi.counted) m WHERE m.name = x.measure) "
        "FROM kpi.metric x WHERE name = $1",
        {name});
    if (t.empty()) return;
    const std::string holder =
        t.rows[0][1] ? fmt::format("source \"{}\"", *t.rows[0][1]) : "kpi.define";
    throw Error(
        "42710", fmt::format("measure or metric \"{}\" exists already", name),
        fmt::format(
            "It belongs to {}. Measures are named without their source, so names are unique.",
            holder),
        fmt::format("Name the column differently in the view: {0} AS my_{0}.", name));
}

void create_typed_views(const std::string &name, ObjectId owner) {
    const SourceInfo source = load_source(name, pg::Access::read_write);
    const std::string role = *pg::value(
        "SELECT pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE oid = $1", {owner});
    for (const auto &[suffix, grain] :
         {std::pair{"daily", ViewGrain::day}, std::pair{"hourly", ViewGrain::hour}}) {
        const std::string view = data_table(name, suffix);
        const bool is_new = !pg::value("SELECT pg_catalog.to_regclass($1)", {view});
        pg::execute(
            fmt::format("CREATE OR REPLACE VIEW {} AS {}", view, typed_view_sql(source, grain)));
        if (!is_new) continue;
        pg::execute(fmt::format(
            "COMMENT ON VIEW {} IS {}", view,
            pg::literal(fmt::format(
                "Source {} by {}: full segments, exact at the reader's snapshot; needs SELECT "
                "on the facts view",
                name, grain == ViewGrain::day ? "day" : "hour, for the hours that are kept"))));
        // kpi._dirty_days checks the reader's right on the facts view, so the typed view itself is
        // open.
        pg::execute(fmt::format("GRANT SELECT ON {} TO PUBLIC", view));
        pg::execute(fmt::format("ALTER VIEW {} OWNER TO {}", view, role));
    }
}

}  // namespace kpi::engine
