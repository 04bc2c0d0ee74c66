#include "reporting/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"
#include "reporting/figures.hpp"

namespace kpi::reporting {
namespace {

using nlohmann::json;

constexpr int kMostBars = 50;
constexpr const char *kColumns =
    "SELECT name, kind, owner::pg_catalog.oid, pg_catalog.to_jsonb(sinks), "
    "pg_catalog.to_jsonb(formats), language, options, kpi._may_run($1, owner) FROM "
    "kpi.report_plan ";

[[noreturn]] void refuse(std::string what, std::string hint = {}) {
    throw Error("22023", std::move(what), {}, std::move(hint));
}

std::vector<std::string> texts(const json &list, const char *what) {
    if (!list.is_array()) refuse(fmt::format("option \"{}\" must be a list of names", what));
    std::vector<std::string> out;
    for (const json &one : list) {
        if (!one.is_string()) refuse(fmt::format("option \"{}\" must be a list of names", what));
        out.push_back(one.get<std::string>());
    }
    return out;
}

Plan plan_of(const Row &row) {
    Plan out;
    out.name = *row[0];
    out.kind = parse_kind(*row[1]);
    out.owner = {uint32_t(std::stoul(*row[2]))};
    out.sinks = texts(json::parse(*row[3]), "sinks");
    out.formats = texts(json::parse(*row[4]), "formats");
    out.language = *row[5];
    out.options = *row[6];
    return out;
}

void demand_sinks(const std::vector<std::string> &sinks) {
    std::vector<std::string> names;
    for (const Row &row : pg::query("SELECT name FROM kpi.sink ORDER BY name").rows)
        names.push_back(*row[0]);
    for (const std::string &sink : sinks) {
        if (std::find(names.begin(), names.end(), sink) != names.end()) continue;
        const std::string meant = near(sink, names);
        throw Error("42704", fmt::format("there is no sink \"{}\"", sink), {},
                    meant.empty() ? "SELECT name FROM kpi.sink lists them."
                                  : fmt::format("Did you mean {}?", meant));
    }
}

void demand_formats(const std::vector<std::string> &formats) {
    if (formats.empty()) refuse("a report needs a format", "For example formats => '{csv}'.");
    for (const std::string &format : formats) demand_form(format);
}

// As its owner, who reads the numbers.
void try_scope(const Plan &plan) {
    const pg::RunAs owner(plan.owner, pg::Restriction::identity);
    (void)last_day(scope_of(plan));
}

Plan demand_plan(ObjectId caller, const std::string &name) {
    const auto found = find_plan(caller, name);
    if (found) return *found;
    std::vector<std::string> names;
    for (const Row &row : pg::query("SELECT name FROM kpi.report_plan ORDER BY name").rows)
        names.push_back(*row[0]);
    const std::string meant = near(name, names);
    throw Error("42704", fmt::format("there is no report \"{}\"", name), {},
                meant.empty() ? "SELECT name FROM kpi.report_plan lists them."
                              : fmt::format("Did you mean {}?", meant));
}

}  // namespace

Scope scope_of(const Plan &plan) {
    const json options = json::parse(plan.options);
    if (!options.is_object())
        refuse("the options of a report must be a JSON object", "For example {\"top\": 3}.");
    const auto wanted = options.find("metrics");
    Scope out = wanted == options.end() ? everything() : these(texts(*wanted, "metrics"));
    if (out.metrics.empty()) refuse("option \"metrics\" must name a metric");
    for (const auto &[name, value] : options.items()) {
        if (name == "metrics") continue;
        if (name == "filters") {
            if (!value.is_object()) refuse("option \"filters\" must be an object");
            out.filters = value.dump();
        } else if (name == "by") {
            out.by = texts(value, "by");
        } else if (name == "top") {
            if (!value.is_number_integer() || value < 1 || value > kMostBars)
                refuse(fmt::format("option \"top\" must be between 1 and {}", kMostBars));
            out.top = value.get<int>();
        } else {
            refuse(fmt::format("a report has no option \"{}\"", name),
                   "The options are metrics, filters, by and top.");
        }
    }
    return out;
}

void add_plan(ObjectId caller, const Plan &wish) {
    Plan plan = wish;
    plan.owner = caller;
    demand_formats(plan.formats);
    demand_language(plan.language);
    try_scope(plan);
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    demand_sinks(plan.sinks);
    if (pg::value("SELECT 1 FROM kpi.report_plan WHERE name = $1", {plan.name}))
        throw Error("42710", fmt::format("there is a report \"{}\" already", plan.name), {},
                    "kpi.alter_report changes it.");
    if (pg::value("SELECT 1 WHERE $1 !~ '^[a-z_][a-z0-9_]{0,39}$' OR $1 IN ('daily', 'weekly', "
                  "'monthly')",
                  {plan.name}))
        refuse(
            fmt::format("\"{}\" cannot be the name of a report", plan.name),
            "Use small letters, digits and underscores, at most 40; daily, weekly and monthly are "
            "taken.");
    pg::execute(R"(
        INSERT INTO kpi.report_plan (name, kind, owner, sinks, formats, language, options)
        VALUES ($1, $2, $3, $4, $5, $6, $7))",
                {plan.name, std::string(name(plan.kind)), plan.owner, plan.sinks, plan.formats,
                 plan.language, Json{plan.options}});
}

void alter_plan(ObjectId caller, const std::string &name, const PlanChange &change) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    Plan plan = demand_plan(caller, name);
    if (change.sinks) plan.sinks = *change.sinks;
    if (change.formats) plan.formats = *change.formats;
    if (change.language) plan.language = *change.language;
    if (change.options) {
        json options = json::parse(plan.options);
        options.merge_patch(json::parse(*change.options));
        plan.options = options.dump();
    }
    demand_sinks(plan.sinks);
    demand_formats(plan.formats);
    demand_language(plan.language);
    try_scope(plan);
    pg::execute(R"(
        UPDATE kpi.report_plan SET sinks = $2, formats = $3, language = $4, options = $5, enabled = coalesce($6::pg_catalog.bool, enabled)
         WHERE name = $1)",
                {name, plan.sinks, plan.formats, plan.language, Json{plan.options},
                 change.enabled ? Param(*change.enabled) : Param(Null{})});
}

void drop_plan(ObjectId caller, const std::string &name) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    (void)demand_plan(caller, name);
    pg::execute("DELETE FROM kpi.report_plan WHERE name = $1", {name});
}

std::optional<Plan> find_plan(ObjectId caller, const std::string &name) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Table found = pg::query(std::string(kColumns) + "WHERE name = $2", {caller, name});
    if (found.empty()) return std::nullopt;
    if (found.rows[0][7] != "t")
        throw Error("42501", fmt::format("report \"{}\" belongs to another role", name), {},
                    "Its owner may do that, and a member of kpi_operator.");
    return plan_of(found.rows[0]);
}

std::vector<Plan> plans_of(ObjectId caller, Kind kind) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    std::vector<Plan> out;
    for (const Row &row : pg::query(std::string(kColumns) +
                                        "WHERE kind = $2 AND enabled AND kpi._may_run($1, owner) "
                                        "ORDER BY name",
                                    {caller, std::string(name(kind))})
                              .rows)
        out.push_back(plan_of(row));
    return out;
}

}  // namespace kpi::reporting
