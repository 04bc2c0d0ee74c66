#include "reporting/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"
#include "pg/statement.hpp"
#include "reporting/figures.hpp"

namespace kpi::reporting {
namespace {

using nlohmann::json;

constexpr int kMostBars = 50;
constexpr int64_t kMostRows = 100'000;
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

std::string text(const json &value, const char *what) {
    if (!value.is_string()) refuse(fmt::format("option \"{}\" must be a text", what));
    return value.get<std::string>();
}

Plan plan_of(const Row &row) {
    Plan out;
    out.name = *row[0];
    out.kind = parse_plan_kind(*row[1]);
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
    const Scope scope = scope_of(plan);
    (void)last_day(scope);
    if (!scope.own) return;
    const std::string select = pg::readable_select(plan.owner, scope.own->sql);
    const pg::RunAs reader(plan.owner, pg::Restriction::reading);
    if (pg::outputs_of(select).empty()) refuse("sql of a report must return a column");
}

OwnSql own_sql(const json &options) {
    OwnSql out;
    for (const auto &[name, value] : options.items()) {
        if (name == "title") continue;
        if (name == "sql") {
            out.sql = text(value, "sql");
        } else if (name == "max_rows") {
            if (!value.is_number_integer() || value < 1 || value > kMostRows)
                refuse(fmt::format("option \"max_rows\" must be between 1 and {}", kMostRows));
            out.max_rows = value.get<int64_t>();
        } else {
            refuse(fmt::format("a report of kind sql has no option \"{}\"", name),
                   "The options are sql, title and max_rows.");
        }
    }
    if (out.sql.empty())
        refuse(
            "a report of kind sql needs option \"sql\"",
            R"(For example {"sql": "SELECT kpi.report_day() AS day, count(*) FROM shop.orders"}.)");
    return out;
}

// The job of a plan that has a schedule of its own.
std::string job_of(const std::string &plan) { return "kpi_report_" + plan; }

bool has_job(const std::string &plan) {
    return pg::value("SELECT 1 FROM kpi.job WHERE name = $1", {job_of(plan)}).has_value();
}

template <class T>
Param or_null(const std::optional<T> &value) {
    return value ? Param(*value) : Param(Null{});
}

// As the current role. nullopt: stays as it is.
void schedule(const std::string &plan, const PlanChange &change) {
    pg::execute(
        "SELECT FROM kpi.schedule($1, $2, $3, NULL, $4::pg_catalog.bool, $5::pg_catalog.text[])",
        {job_of(plan), or_null(change.schedule), or_null(change.time_zone),
         change.enabled ? Param(*change.enabled) : Param(Null{}), or_null(change.sinks)});
}

void unschedule(const std::string &plan) {
    pg::execute("SELECT FROM kpi.unschedule($1)", {job_of(plan)});
}

}  // namespace

Scope scope_of(const Plan &plan) {
    const json options = json::parse(plan.options);
    if (!options.is_object())
        refuse("the options of a report must be a JSON object", "For example {\"top\": 3}.");
    const auto titled = options.find("title");
    const std::string title = titled == options.end() ? "" : text(*titled, "title");
    if (plan.kind == Kind::sql) {
        Scope out;
        out.own = own_sql(options);
        out.title = title;
        return out;
    }
    const auto wanted = options.find("metrics");
    Scope out = wanted == options.end() ? everything() : these(texts(*wanted, "metrics"));
    out.title = title;
    if (out.metrics.empty()) refuse("option \"metrics\" must name a metric");
    for (const auto &[name, value] : options.items()) {
        if (name == "metrics" || name == "title") continue;
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
                   "The options are metrics, filters, by, top and title.");
        }
    }
    return out;
}

namespace {

void insert(const Plan &plan) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    demand_sinks(plan.sinks);
    if (pg::value("SELECT 1 FROM kpi.report_plan WHERE name = $1", {plan.name}))
        throw Error("42710", fmt::format("there is a report \"{}\" already", plan.name), {},
                    "kpi.alter_report changes it.");
    if (pg::value("SELECT 1 WHERE $1 !~ '^[a-z_][a-z0-9_]{0,39}$' OR $1 IN ('daily', 'weekly', "
                  "'monthly', 'sql')",
                  {plan.name}))
        refuse(fmt::format("\"{}\" cannot be the name of a report", plan.name),
               "Use small letters, digits and underscores, at most 40; daily, weekly, monthly and "
               "sql are taken.");
    pg::execute(R"(
        INSERT INTO kpi.report_plan (name, kind, owner, sinks, formats, language, options)
        VALUES ($1, $2, $3, $4, $5, $6, $7))",
                {plan.name, std::string(name(plan.kind)), plan.owner, plan.sinks, plan.formats,
                 plan.language, Json{plan.options}});
}

void change_row(ObjectId caller, const std::string &name, const PlanChange &change) {
    Plan plan = demand_plan(caller, name);
    if (change.sinks) plan.sinks = *change.sinks;
    if (change.formats) plan.formats = *change.formats;
    if (change.language) plan.language = *change.language;
    if (change.options) {
        // What is written there runs with its owner's rights.
        if (plan.kind == Kind::sql && pg::value("SELECT pg_catalog.pg_has_role($1, $2, 'USAGE')",
                                                {caller, plan.owner}) != "t")
            throw Error("42501", fmt::format("must be owner of report \"{}\"", name), {},
                        "Its sql runs with the rights of its owner.");
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

}  // namespace

void add_plan(ObjectId caller, const Plan &wish) {
    Plan plan = wish;
    plan.owner = caller;
    demand_formats(plan.formats);
    demand_language(plan.language);
    if (plan.time_zone && !plan.schedule)
        refuse("a time zone without a schedule", "For example schedule => '0 7 * * 1-5'.");
    try_scope(plan);
    insert(plan);
    if (plan.schedule) schedule(plan.name, {{}, {}, {}, {}, {}, plan.schedule, plan.time_zone});
}

void alter_plan(ObjectId caller, const std::string &name, const PlanChange &change) {
    bool scheduled = false;
    {
        const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
        change_row(caller, name, change);
        scheduled = has_job(name);
        if (change.enabled == false) note(demand_plan(caller, name), std::nullopt);
    }
    if (change.schedule && change.schedule->empty()) {
        if (scheduled) unschedule(name);
    } else if (change.schedule ||
               (scheduled && (change.time_zone || change.sinks || change.enabled))) {
        schedule(name, change);
    } else if (change.time_zone) {
        refuse("a time zone without a schedule", "For example schedule => '0 7 * * 1-5'.");
    }
}

void drop_plan(ObjectId caller, const std::string &name) {
    bool scheduled = false;
    {
        const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
        note(demand_plan(caller, name), std::nullopt);
        scheduled = has_job(name);
    }
    // First: its job is known by the plan.
    if (scheduled) unschedule(name);
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
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

void note(const Plan &plan, const std::optional<Error> &error) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    pg::execute(
        "SELECT kpi._observe($1, 'run', $2, 'warning', $3, $4, $5)",
        {"report:" + plan.name,
         error ? fmt::format("report {} failed: {}: {}", plan.name, error->sqlstate, error->message)
               : "report " + plan.name,
         error.has_value(), plan.sinks, plan.owner});
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

std::vector<Plan> plans_of(ObjectId caller, Kind kind) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    std::vector<Plan> out;
    for (const Row &row : pg::query(std::string(kColumns) +
                                        "p WHERE kind = $2 AND enabled AND kpi._may_run($1, owner) "
                                        "AND NOT EXISTS (SELECT FROM kpi.job j WHERE j.name = "
                                        "'kpi_report_' || p.name) ORDER BY name",
                                    {caller, std::string(name(kind))})
                              .rows)
        out.push_back(plan_of(row));
    return out;
}

}  // namespace kpi::reporting
