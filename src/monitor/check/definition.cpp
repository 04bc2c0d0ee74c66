#include "monitor/check/definition.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "engine/registry/source_info.hpp"
#include "monitor/check/kinds.hpp"
#include "monitor/check/record.hpp"
#include "monitor/check/rights.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"
#include "pg/statement.hpp"

namespace kpi::monitor {
namespace {

using nlohmann::json;

constexpr const char *kSelect = R"(
SELECT c.name, c.kind, c.parameters, c.severity, c.source, c.column_name, c.relation::pg_catalog.oid, s.facts::pg_catalog.oid,
       coalesce(s.timezone, 'UTC'), s.time_column, c.owner::pg_catalog.oid,
       EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = c.owner),
       EXISTS (SELECT FROM kpi.dirty d WHERE d.source = c.source AND d."from" = '-infinity' AND d."to" = 'infinity')
  FROM kpi.check c LEFT JOIN kpi.source s ON s.name = c.source )";

ObjectId object_id(const Cell &cell) { return {uint32_t(std::stoul(*cell))}; }

std::optional<ObjectId> optional_id(const Cell &cell) {
    if (!cell) return std::nullopt;
    return object_id(cell);
}

Check check_of(const Row &row) {
    Check check{.name = *row[0], .kind = *row[1], .parameters = *row[2], .severity = *row[3]};
    check.source = row[4];
    check.column = row[5];
    check.relation = optional_id(row[6]);
    check.facts = optional_id(row[7]);
    check.timezone = *row[8];
    check.facts_time = row[9];
    check.owner = object_id(row[10]);
    check.owner_exists = row[11] == "t";
    check.building = row[12] == "t";
    return check;
}

void check_columns(const Check &check, const json &parameters) {
    const ObjectId table = *check.table();
    if (check.column) demand_column(table, *check.column);
    if (parameters.contains("time_column"))
        demand_column(table, parameters["time_column"].get<std::string>());
    if (check.kind == "uniqueness" && parameters.contains("columns"))
        for (const json &column : parameters["columns"])
            demand_column(table, column.get<std::string>());
    if (parameters.contains("min_days"))
        demand_column(table, parameters.value("day_column", std::string("day")));
}

// The table that a referential check looks into, by its qualified name.
void settle_reference(ObjectId caller, json &parameters) {
    const auto text = parameters["references"].get<std::string>();
    const ObjectId table =
        object_id(pg::value("SELECT $1::pg_catalog.regclass::pg_catalog.oid", {text}));
    demand_select(caller, table);
    demand_column(table, parameters.value("references_column", std::string("id")));
    parameters["references"] = pg::qualified(table);
}

// What the columns are now is what they shall stay.
void settle_schema(ObjectId table, json &parameters) {
    if (parameters.contains("columns")) return;
    const Table found = pg::query(
        "SELECT attname, pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
        "WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        {table});
    for (const Row &row : found.rows) parameters["columns"][*row[0]] = *row[1];
}

void check_needs(const Check &check, const CheckKind &kind, const json &parameters) {
    if (kind.of_source && !check.source)
        throw Error("22023", fmt::format("a {} check needs a source", check.kind));
    if (kind.of_table && !check.table() && !parameters.contains("metric"))
        throw Error("22023", fmt::format("a {} check needs a source or a relation", check.kind));
    if (kind.of_column && !check.column)
        throw Error("22004", fmt::format("a {} check needs column_name", check.kind), {},
                    "It is the column that is judged.");
    if (check.kind == "range" && check.column.has_value() == parameters.contains("metric"))
        throw Error("22023",
                    "a range check needs either column_name or parameter \"metric\", not both");
    if (check.kind == "uniqueness" && check.column.has_value() == parameters.contains("columns"))
        throw Error("22023",
                    "a uniqueness check needs either column_name or parameter \"columns\"");
    if (check.kind == "freshness" && check.relation && !parameters.contains("time_column"))
        throw Error("22023", "a freshness check of a relation needs parameter \"time_column\"");
}

// Everything that can be wrong, and parameters as they are kept.
json settled(const Check &check, const std::string &text) {
    const CheckKind &kind = check_kind(check.kind);
    json parameters = check_parameters(kind, text);
    check_needs(check, kind, parameters);
    if (check.table()) demand_select(check.owner, *check.table());
    if (kind.of_table && check.table()) check_columns(check, parameters);
    if (parameters.contains("references")) settle_reference(check.owner, parameters);
    if (check.kind == "schema") settle_schema(*check.table(), parameters);
    if (check.kind == "custom_sql")
        parameters["sql"] = pg::readable_select(check.owner, parameters["sql"].get<std::string>());
    return parameters;
}

// The source of the caller that reads a table, if there is one only.
std::optional<std::string> source_over(ObjectId caller, ObjectId relation) {
    const Table found = pg::query(
        "SELECT s.name FROM kpi.source s JOIN pg_catalog.pg_class c ON c.oid = s.facts WHERE $2 IN "
        "(s.facts, s.base) AND pg_catalog.pg_has_role($1, c.relowner, 'USAGE')",
        {caller, relation});
    if (found.rows.size() != 1) return std::nullopt;
    return found.rows[0][0];
}

}  // namespace

void add_check(ObjectId caller, const NewCheck &given) {
    demand_name("check", given.name);
    demand_severity(given.severity);
    demand_every(given.every);
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    Check check{.name = given.name, .kind = check_kind(given.kind).name};
    check.column = given.column;
    check.relation = given.relation;
    check.owner = caller;
    if (given.source)
        check.source = engine::source_named(*given.source, pg::Access::read_write);
    else if (given.relation)
        check.source = source_over(caller, *given.relation);
    if (check.source) {
        demand_source(caller, *check.source);
        check.facts = object_id(pg::value(
            "SELECT facts::pg_catalog.oid FROM kpi.source WHERE name = $1", {*check.source}));
    }
    const json parameters = settled(check, given.parameters);
    demand_sinks(given.sinks);
    if (pg::value("SELECT 1 FROM kpi.check WHERE name = $1", {given.name}))
        throw Error("42710", fmt::format("check \"{}\" exists already", given.name), {},
                    "Change it with kpi.alter_check or remove it with kpi.drop_check.");
    pg::execute(
        "INSERT INTO kpi.check (name, kind, source, relation, column_name, parameters, severity, "
        "sinks, every, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::pg_catalog.interval, "
        "$10)",
        {check.name, check.kind, check.source ? Param(*check.source) : Param(Null{}),
         check.relation ? Param(*check.relation) : Param(Null{}),
         check.column ? Param(*check.column) : Param(Null{}), Json{parameters.dump()},
         given.severity, given.sinks, given.every, caller});
}

void alter_check(ObjectId caller, const std::string &name, const CheckChange &change) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Check check = checks_of_caller(caller, name).front();
    if (change.severity) demand_severity(*change.severity);
    if (change.sinks) demand_sinks(*change.sinks);
    if (change.every) demand_every(*change.every);
    json parameters = json::parse(check.parameters);
    if (change.parameters) {
        const json wanted = json::parse(*change.parameters, nullptr, false);
        if (!wanted.is_object()) throw Error("22023", "parameters must be a JSON object");
        for (const auto &[key, value] : wanted.items())
            if (value.is_null())
                parameters.erase(key);
            else
                parameters[key] = value;
        parameters = settled(check, parameters.dump());
    }
    pg::execute(
        "UPDATE kpi.check SET parameters = $2, severity = coalesce($3, severity), every = "
        "coalesce($4::pg_catalog.interval, every), enabled = coalesce($5::pg_catalog.bool, "
        "enabled) WHERE name = $1",
        {name, Json{parameters.dump()}, change.severity ? Param(*change.severity) : Param(Null{}),
         change.every ? Param(*change.every) : Param(Null{}),
         change.enabled ? Param(*change.enabled) : Param(Null{})});
    if (change.sinks)
        pg::execute("UPDATE kpi.check SET sinks = $2 WHERE name = $1", {name, *change.sinks});
    pg::execute("UPDATE kpi.check_state SET due_at = '-infinity' WHERE name = $1", {name});
    if (change.enabled == false) let_go(check);
}

void drop_check(ObjectId caller, const std::string &name) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Check check = checks_of_caller(caller, name).front();
    for (const char *table : {"check", "check_state", "check_result"})
        pg::execute(fmt::format("DELETE FROM kpi.{} WHERE name = $1", table), {name});
    let_go(check);
}

std::vector<Check> checks_of_caller(ObjectId caller, const std::optional<std::string> &name) {
    std::vector<Check> checks;
    if (name) {
        const Table found = pg::query(std::string(kSelect) + "WHERE c.name = $1", {*name});
        if (found.empty()) throw unknown_check(*name);
        checks.push_back(check_of(found.rows[0]));
        demand_run(caller, checks[0].owner, fmt::format("check \"{}\"", *name));
        return checks;
    }
    for (const Row &row :
         pg::query(
             std::string(kSelect) + "WHERE c.enabled AND kpi._may_run($1, c.owner) ORDER BY c.name",
             {caller})
             .rows)
        checks.push_back(check_of(row));
    return checks;
}

std::optional<Check> load_check(const std::string &name) {
    const Table found = pg::query(std::string(kSelect) + "WHERE c.name = $1", {name});
    if (found.empty()) return std::nullopt;
    return check_of(found.rows[0]);
}

}  // namespace kpi::monitor
