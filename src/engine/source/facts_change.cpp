#include "engine/source/facts_change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "engine/registry/metrics.hpp"
#include "engine/registry/tables.hpp"
#include "engine/source/registration.hpp"
#include "engine/source/track.hpp"
#include "engine/view/analysis.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

Error changed(const Registered &source, const std::string &what) {
    return Error("0A000",
                 fmt::format("facts view of source \"{}\" cannot be changed like this: {}",
                             source.name, what),
                 {},
                 fmt::format("SELECT kpi.untrack('{0}'), change the view, and kpi.track it again.",
                             source.name));
}

// The rights of a source's owner on one of its tables go to another role, and from everybody else.
void hand_over(const std::string &table, const std::string &role) {
    const Table others = pg::query(
        "SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole"
        "::text END FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a WHERE c.oid = "
        "$1::pg_catalog.regclass AND a.grantee <> c.relowner",
        {table});
    for (const Row &row : others.rows)
        pg::execute(fmt::format("REVOKE ALL ON {} FROM {}", table, *row[0]));
    pg::execute(fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}", table, role));
}

}  // namespace

void follow_view(ObjectId view) {
    const auto source = registered(view);
    if (!source) return;
    const FactsColumns columns = sort_columns(view, source->time_column, source->dimensions,
                                              source->aggregates, source->measures);
    std::vector<std::string> names;
    for (const NewMeasure &measure : columns.measures) names.push_back(measure.name);
    for (const std::string &measure : source->measures)
        if (std::find(names.begin(), names.end(), measure) == names.end())
            throw changed(*source, fmt::format("measure \"{}\" is gone", measure));
    for (const std::string &column : columns.unused)
        pg::log(
            pg::Level::notice,
            fmt::format("column \"{}\" is no measure of source \"{}\"", column, source->name), {},
            fmt::format("SELECT kpi.add_measure('{}', {}, {}) makes it one.", source->name,
                        pg::literal(column), pg::literal(nlohmann::json{{"sum", column}}.dump())));
    if (source->capture == "trigger") {
        names.push_back(source->time_column);
        names.insert(names.end(), source->dimensions.begin(), source->dimensions.end());
        for (const Aggregate &aggregate : source->aggregates) names.push_back(aggregate.column);
        const capture::Analysis analysis = capture::analyze(view, names);
        if (analysis.refusal.refused && analysis.refusal.sqlstate == "0A000")
            throw changed(*source, analysis.refusal.message);
        if (!analysis.refusal.refused && analysis.base.value != source->base.value)
            throw changed(*source, "it reads another table");
    }
    mark_dirty(source->name, "facts view replaced or altered");
}

void follow_column(ObjectId view, const std::string &old_name, const std::string &new_name) {
    const auto source = registered(view);
    if (!source) return;
    const bool measure = std::find(source->measures.begin(), source->measures.end(), old_name) !=
                         source->measures.end();
    const bool dimension = std::find(source->dimensions.begin(), source->dimensions.end(),
                                     old_name) != source->dimensions.end();
    if ((measure || dimension) &&
        (new_name == "day" || new_name == "hour" || new_name == "row_count"))
        throw Error("42P17", fmt::format("\"{}\" is a column of the typed views", new_name), {},
                    "Choose another name.");
    if (measure) {
        const std::vector<std::string> users = metrics_over({old_name});
        const auto user = users.empty() ? pg::value(
                                              "SELECT name FROM kpi.metric WHERE name = $1 "
                                              "AND measure IS DISTINCT FROM $2",
                                              {new_name, old_name})
                                        : Cell(users.front());
        if (user)
            throw Error(
                "2BP01",
                fmt::format("cannot rename measure \"{}\" to \"{}\" because of metric \"{}\"",
                            old_name, new_name, *user),
                {}, "kpi.undefine the metric, rename, and define it again.");
        pg::execute("UPDATE kpi.measure SET name = $2 WHERE name = $1", {old_name, new_name});
        pg::execute(
            "UPDATE kpi.metric SET name = $2, measure = $2, formula = pg_catalog.quote_ident($2) "
            "WHERE measure = $1",
            {old_name, new_name});
    } else if (dimension) {
        pg::execute(
            "UPDATE kpi.source SET dimensions = pg_catalog.array_replace(dimensions, "
            "$2::pg_catalog.name, $3::pg_catalog.name) "
            "WHERE name = $1",
            {source->name, old_name, new_name});
    } else if (source->time_column == old_name) {
        pg::execute("UPDATE kpi.source SET time_column = $2 WHERE name = $1",
                    {source->name, new_name});
    }
    // Also of a column that is a sum.
    pg::execute(
        "UPDATE kpi.counted SET \"column\" = $3 WHERE source = $1 AND \"column\" = "
        "$2::pg_catalog.name",
        {source->name, old_name, new_name});
    if (!measure && !dimension) return;
    for (const char *suffix : {"daily", "hourly"})
        pg::execute(fmt::format("ALTER VIEW {} RENAME COLUMN {} TO {}",
                                data_table(source->name, suffix), pg::quote(old_name),
                                pg::quote(new_name)));
}

void follow_owners() {
    // REASSIGN OWNED moves typed views with their facts view and fires no event trigger; what it
    // leaves behind are the grants. A typed view that is missing has nothing to follow: handing
    // over the other one, which calls this again, would never end.
    const Table t = pg::query(
        "SELECT s.name, c.relowner, pg_catalog.quote_ident(r.rolname), v.relowner <> c.relowner "
        "FROM kpi.source s JOIN pg_catalog.pg_class c ON c.oid = s.facts JOIN "
        "pg_catalog.pg_roles r ON r.oid = c.relowner LEFT JOIN pg_catalog.pg_class v ON v.oid = "
        "pg_catalog.to_regclass('kpi_data.' || pg_catalog.quote_ident(s.name || '_daily')) LEFT "
        "JOIN pg_catalog.pg_class d ON d.oid = pg_catalog.to_regclass('kpi_data.' || "
        "pg_catalog.quote_ident(s.name || '_delta')) WHERE d.oid IS NOT NULL AND (v.relowner <> "
        "c.relowner OR NOT pg_catalog.has_table_privilege(c.relowner, d.oid, "
        "'INSERT') OR EXISTS (SELECT FROM kpi.measure m JOIN kpi.metric x ON x.measure = m.name "
        "WHERE m.source = s.name AND x.owner <> c.relowner)) ORDER BY s.name");
    for (const Row &row : t.rows) {
        const std::string &name = *row[0];
        for (const char *suffix : {"delta", "rollup_day", "rollup_hour", "so_far"})
            hand_over(data_table(name, suffix), *row[2]);
        for (const char *suffix : {"daily", "hourly"})
            if (*row[3] == "t")
                pg::execute(fmt::format("ALTER VIEW IF EXISTS {} OWNER TO {}",
                                        data_table(name, suffix), *row[2]));
        pg::execute("UPDATE kpi.metric SET owner = $2 WHERE measure = ANY ($1)",
                    {measures_of(name), ObjectId{uint32_t(std::stoul(*row[1]))}});
        mark_dirty(name, "owner changed");
    }
}

void facts_dropped(const std::string &source, bool refuse) {
    if (refuse &&
        pg::value("SELECT pg_catalog.to_regclass($1)::text", {data_table(source, "daily")}))
        throw Error(
            "2BP01",
            fmt::format("cannot drop the facts view of source \"{}\" because it is tracked",
                        source),
            {},
            fmt::format("SELECT kpi.untrack('{}') first, or use DROP ... CASCADE to do both.",
                        source));
    const Table t = pg::query(
        "SELECT t.tgname, t.tgrelid FROM kpi.source s JOIN pg_catalog.pg_trigger t ON t.tgparentid "
        "= 0 AND t.tgname IN "
        "('kpi_capture_' || s.name, 'kpi_truncate_' || s.name) WHERE s.name = $1",
        {source});
    for (const Row &row : t.rows)
        pg::execute(fmt::format("DROP TRIGGER {} ON {}", pg::quote(*row[0]),
                                pg::qualified(ObjectId{uint32_t(std::stoul(*row[1]))})));
    // Metrics over its measures lose their meaning with them.
    pg::execute("DELETE FROM kpi.metric WHERE name = ANY ($1)",
                {metrics_over(measures_of(source))});
    forget(source);
}

}  // namespace kpi::engine
