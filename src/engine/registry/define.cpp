#include "engine/registry/define.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "engine/registry/metrics.hpp"
#include "engine/registry/source_info.hpp"
#include "pg/lock.hpp"

namespace kpi::engine {
namespace {

// read-write: sees what other definers have committed before our lock
constexpr pg::Options kNow{};

// Definitions and removals one after the other, readers undisturbed: no metric vanishes while
// another is checked.
void lock_metrics() {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::execute("LOCK TABLE kpi.metric IN SHARE ROW EXCLUSIVE MODE");
}

// Every metric by name, with the names that its formula uses.
struct Registry {
    std::map<std::string, MetricRow> rows;

    std::set<std::string> uses(const std::string &metric) const {
        std::set<std::string> out;
        const auto found = rows.find(metric);
        if (found == rows.end() || found->second.measure) return out;
        for (const auto &used : pg::formula_names(found->second.formula)) out.insert(used.name);
        return out;
    }
};

Registry load_registry() {
    const Table all = pg::query("SELECT name FROM kpi.metric", {}, kNow);
    std::vector<std::string> names;
    for (const Row &row : all.rows) names.push_back(*row[0]);
    Registry registry;
    for (MetricRow &row : metric_rows(names, pg::Access::read_write))
        registry.rows.emplace(row.name, std::move(row));
    return registry;
}

// The way from `from` to `target` over formulas, as names; empty: there is none.
std::vector<std::string> path(const Registry &registry, const std::string &from,
                              const std::string &target, std::set<std::string> &visited) {
    if (from == target) return {from};
    if (!visited.insert(from).second) return {};
    for (const std::string &used : registry.uses(from)) {
        auto rest = path(registry, used, target, visited);
        if (rest.empty()) continue;
        rest.insert(rest.begin(), from);
        return rest;
    }
    return {};
}

void check_names(const Registry &registry, const Definition &definition) {
    for (const auto &used : pg::formula_names(definition.formula)) {
        const bool itself = used.name == definition.metric;
        if (!itself && !registry.rows.contains(used.name))
            throw pg::formula_error(
                "42703", fmt::format("there is no measure or metric \"{}\"", used.name), {},
                near_names(used.name, pg::Access::read_write), definition.formula, used.offset);
        std::set<std::string> visited;
        const auto way =
            itself ? std::vector{used.name} : path(registry, used.name, definition.metric, visited);
        if (way.empty()) continue;
        std::string text = definition.metric;
        for (const std::string &step : way) text += " -> " + step;
        throw pg::formula_error(
            "42P17", fmt::format("metric \"{}\" would refer to itself", definition.metric),
            fmt::format("{}.", text), {}, definition.formula, used.offset);
    }
}

void collect_measures(const Registry &registry, const std::string &metric,
                      std::set<std::string> &measures) {
    const MetricRow &row = registry.rows.at(metric);
    if (row.measure) {
        measures.insert(row.measure->name);
        return;
    }
    for (const std::string &used : registry.uses(metric))
        collect_measures(registry, used, measures);
}

void check_sources(const Registry &registry, const Definition &definition) {
    std::set<std::string> measures;
    for (const auto &used : pg::formula_names(definition.formula))
        collect_measures(registry, used.name, measures);
    if (measures.empty())
        throw pg::formula_error("22023", "the formula uses no measure", {},
                                "A constant is not a metric.", definition.formula, 0);
    std::map<std::string, std::string> zones;  // by source
    for (const std::string &name : measures) {
        const MeasureUse &measure = *registry.rows.at(name).measure;
        const Table source = pg::query(
            "SELECT s.timezone, pg_catalog.pg_has_role(c.relowner, 'USAGE') FROM kpi.source s "
            "JOIN pg_catalog.pg_class c ON c.oid = s.facts WHERE s.name = $1",
            {measure.source}, kNow);
        if (source.empty())
            throw Error("42704", fmt::format("source \"{}\" does not exist", measure.source));
        if (source.rows[0][1] != "t")
            throw Error(
                "42501", fmt::format("permission denied for source \"{}\"", measure.source),
                fmt::format("Measure \"{}\" belongs to it.", name),
                "The owner of the facts view, or a member of that role, defines its metrics.");
        zones[measure.source] = *source.rows[0][0];
    }
    for (const auto &[source, zone] : zones)
        if (zone != zones.begin()->second)
            throw Error("22023", "a metric cannot mix sources of different time zones",
                        fmt::format("Source \"{}\" counts days in {}, source \"{}\" in {}.",
                                    zones.begin()->first, zones.begin()->second, source, zone),
                        "Their days are not the same days. Track one of them in the other's zone.");
}

// As the definer, like every read after it: an empty bucket has 0 for every name.
void check_evaluation(const Definition &definition) {
    const auto formula =
        pg::compile_formula(definition.formula, pg::formula_operands(definition.formula));
    std::string sql = "SELECT (";
    for (size_t i = 0; i < formula.operands.size(); ++i) sql += formula.pieces[i] + "z.zero";
    sql += formula.pieces.back() + ")::numeric FROM (VALUES (0::numeric)) z(zero)";
    try {
        pg::query(sql);
    } catch (Error &error) {
        if (error.error_class() != "22") throw;
        error.hint =
            "It is evaluated for empty buckets too, where every measure is 0: guard it with nullif "
            "or CASE.";
        throw;
    }
}

// Percentiles are read of measures that keep them.
void check_readings(const Definition &definition) {
    for (const pg::FormulaOperand &used : pg::formula_operands(definition.formula)) {
        if (used.reading == pg::Reading::value ||
            pg::value("SELECT kind FROM kpi.counted WHERE name = $1", {used.name}, kNow) ==
                word_of(CountedKind::percentiles))
            continue;
        throw pg::formula_error(
            "42809", fmt::format("\"{}\" is no measure of percentiles", used.name), {},
            "One is declared in kpi.track: aggregates => '{\"delay\": {\"percentiles\": "
            "\"arr_delay\"}}'.",
            definition.formula, used.offset);
    }
}

// As kpi.metric's own check.
bool is_metric_name(const std::string &name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    return !name.empty() && name.size() <= 63 && letter(name[0]) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void check_words(const Definition &definition) {
    check_metric_name(definition.metric);
    if (definition.good != "up" && definition.good != "down" && definition.good != "none")
        throw Error("22023", fmt::format("good \"{}\" is not a direction", definition.good), {},
                    "Use up, down or none.");
}

[[noreturn]] void refuse_measure(const std::string &metric) {
    throw Error("42809", fmt::format("metric \"{}\" is a measure's own", metric), {},
                "It follows the column of the facts view.");
}

void require_owner(const MetricRow &row) {
    if (pg::value("SELECT pg_catalog.pg_has_role($1, 'USAGE')", {row.owner}) != "t")
        throw Error("42501", fmt::format("must be owner of metric \"{}\"", row.name));
}

}  // namespace

void check_metric_name(const std::string &name) {
    if (is_metric_name(name)) return;
    throw Error("42602", fmt::format("invalid metric name \"{}\"", name), {},
                "Use lower-case letters, digits and underscores, at most 63, not beginning with a "
                "digit.");
}

void define(const Definition &definition) {
    check_words(definition);
    lock_metrics();
    const Registry registry = load_registry();
    if (const auto old = registry.rows.find(definition.metric); old != registry.rows.end()) {
        if (old->second.measure) refuse_measure(definition.metric);
        require_owner(old->second);
    }
    check_names(registry, definition);
    check_readings(definition);
    check_evaluation(definition);
    check_sources(registry, definition);
    const ObjectId definer = pg::current_role();
    const auto maybe = [](const std::optional<std::string> &text) {
        return text ? Param(*text) : Param(Null{});
    };
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::execute(
        "INSERT INTO kpi.metric (name, formula, unit, good, description, owner) VALUES ($1, $2, "
        "$3, $4, $5, $6) "
        "ON CONFLICT (name) DO UPDATE SET formula = excluded.formula, unit = excluded.unit, good = "
        "excluded.good, "
        "description = excluded.description, owner = excluded.owner, "
        // Another unit is another quantity.
        "currency = CASE WHEN metric.unit IS NOT DISTINCT FROM excluded.unit THEN metric.currency "
        "END, "
        "decimals = CASE WHEN metric.unit IS NOT DISTINCT FROM excluded.unit THEN metric.decimals "
        "END",
        {definition.metric, definition.formula, maybe(definition.unit), definition.good,
         maybe(definition.description), definer});
}

MetricRow own_metric(const std::string &name) {
    lock_metrics();
    const std::vector<MetricRow> rows = metric_rows({name}, pg::Access::read_write);
    if (rows.empty())
        throw Error("42704", fmt::format("metric \"{}\" does not exist", name), {},
                    near_names(name, pg::Access::read_write));
    require_owner(rows.front());
    return rows.front();
}

void undefine(const std::string &metric) {
    if (own_metric(metric).measure) refuse_measure(metric);
    const Registry registry = load_registry();
    std::vector<std::string> users;
    for (const auto &[name, row] : registry.rows)
        if (registry.uses(name).contains(metric)) users.push_back(name);
    if (!users.empty())
        throw Error("2BP01", fmt::format("metric \"{}\" is used by other metrics", metric),
                    fmt::format("By {}.", quoted_list(users)), "Undefine or redefine those first.");
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::execute("DELETE FROM kpi.metric WHERE name = $1", {metric});
}

}  // namespace kpi::engine
