// Adding, changing and dropping rules: one way in, a JSON object of columns.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "engine/query/series.hpp"
#include "monitor/incident/observe.hpp"
#include "monitor/incident/tell.hpp"
#include "monitor/metric_series.hpp"
#include "monitor/rule/rule.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"

namespace kpi::monitor {
namespace {

using nlohmann::json;

constexpr std::array<const char *, 29> kColumns = {"metric",
                                                   "condition",
                                                   "threshold",
                                                   "threshold_name",
                                                   "by",
                                                   "filters",
                                                   "grain",
                                                   "buckets",
                                                   "baseline",
                                                   "method",
                                                   "direction",
                                                   "for_",
                                                   "keep_firing",
                                                   "hysteresis",
                                                   "min_volume",
                                                   "min_change_pct",
                                                   "min_change_abs",
                                                   "fdr",
                                                   "group_above",
                                                   "repeat_every",
                                                   "max_repeats",
                                                   "escalate_after",
                                                   "escalate_sinks",
                                                   "severity",
                                                   "sinks",
                                                   "owner",
                                                   "runbook",
                                                   "labels",
                                                   "enabled"};

std::string text_of(const json &columns, const char *name, const char *otherwise) {
    const auto found = columns.find(name);
    if (found == columns.end() || found->is_null()) return otherwise;
    if (!found->is_string()) throw Error("22023", fmt::format("{} must be a text", name));
    return found->get<std::string>();
}

std::vector<std::string> list_of(const json &columns, const char *name) {
    const auto found = columns.find(name);
    if (found == columns.end() || found->is_null()) return {};
    const bool texts =
        found->is_array() &&
        std::all_of(found->begin(), found->end(), [](const json &one) { return one.is_string(); });
    if (!texts) throw Error("22023", fmt::format("{} must be a list of texts", name));
    return found->get<std::vector<std::string>>();
}

double number_of(const json &columns, const char *name) {
    const auto found = columns.find(name);
    if (found == columns.end() || found->is_null()) return kNone;
    if (!found->is_number()) throw Error("22023", fmt::format("{} must be a number", name));
    return found->get<double>();
}

void check_known(const json &columns) {
    for (const auto &item : columns.items()) {
        const std::string &key = item.key();
        const bool known = key == "name" || std::any_of(kColumns.begin(), kColumns.end(),
                                                        [&](const char *c) { return key == c; });
        if (known) continue;
        const std::string alike = near(key, {kColumns.begin(), kColumns.end()});
        throw Error("22023", fmt::format("a rule has no \"{}\"", key), {},
                    alike.empty() ? "docs/alerts.md lists what it has."
                                  : fmt::format("Perhaps you mean {}.", alike));
    }
}

// The side that is bad: what the condition says, else what is bad for the metric.
std::string direction_of(const json &columns, const Inquiry &q, const std::string &metric) {
    switch (q.condition) {
        case Condition::below:
        case Condition::no_data:
        case Condition::vanished_segment:
            return "down";
        case Condition::above:
        case Condition::new_segment:
            return "up";
        default:
            break;
    }
    std::string given = text_of(columns, "direction", "");
    if (!given.empty()) return given;
    if (q.condition == Condition::ratio) return q.threshold <= 1 ? "down" : "up";
    const Cell good = pg::value("SELECT good FROM kpi.metric WHERE name = $1", {metric});
    if (good == "up") return "down";
    return good == "down" ? "up" : "both";
}

void check_sinks(const std::vector<std::string> &sinks, ObjectId role) {
    for (const std::string &name : sinks) {
        const Table found = pg::query(R"(
            SELECT s.kind, kpi._may_run($2, s.owner) OR EXISTS (
                       SELECT FROM kpi.sink_share h WHERE h.sink = s.name AND pg_catalog.pg_has_role($2, h.role, 'USAGE'))
              FROM kpi.sink s WHERE s.name = $1)",
                                      {name, role});
        if (found.empty())
            throw Error("42704", fmt::format("sink \"{}\" does not exist", name), {},
                        "Add it with kpi.add_sink; the sinks are in kpi.sink.");
        if (!can_carry(*found.rows[0][0]))
            throw Error("22023",
                        fmt::format("sink \"{}\" of kind {} cannot carry messages about incidents",
                                    name, *found.rows[0][0]),
                        {}, "Use one of kind slack, smtp, webhook or file.");
        if (found.rows[0][1] != "t")
            throw Error("42501", fmt::format("sink \"{}\" belongs to another role", name), {},
                        fmt::format("Its owner shares it with kpi.share_sink({}, ...).",
                                    pg::literal(name)));
    }
}

// Whoever makes the rule can read what it looks at. Errors: as kpi.query.
void check_readable(ObjectId role, const std::string &metric, const std::vector<std::string> &by,
                    const std::string &filters) {
    const pg::RunAs reader(role, pg::Restriction::reading);
    engine::SeriesRequest request;
    request.metrics = {metric};
    request.by = by;
    request.filters = filters;
    request.back = 0;
    (void)engine::read_series(request);
}

void check_guards(const json &columns) {
    for (const char *name : {"min_volume", "min_change_pct", "min_change_abs"})
        if (number_of(columns, name) < 0)
            throw Error("22023", fmt::format("{} must not be negative", name));
    const std::string severity = text_of(columns, "severity", "warning");
    if (severity != "info" && severity != "warning" && severity != "critical")
        throw Error("22023", fmt::format("severity cannot be \"{}\"", severity), {},
                    "Use info, warning or critical.");
    for (const char *name : {"filters", "labels"})
        if (columns.contains(name) && !columns[name].is_object())
            throw Error("22023", fmt::format("{} must be a JSON object", name), {},
                        "For example {\"country\": \"MX\"}.");
}

// What SQL must read to know, and the table refuses without a word of help.
void check_ranges(const json &columns) {
    const Table wrong = pg::query(R"(
        SELECT w.what, w.must FROM pg_catalog.jsonb_populate_record(NULL::kpi.rule, $1) n CROSS JOIN LATERAL (VALUES
            ('for_', n.for_ NOT BETWEEN '0' AND '10 years', 'an interval from 0 to 10 years'),
            ('keep_firing', n.keep_firing NOT BETWEEN '0' AND '10 years', 'an interval from 0 to 10 years'),
            ('repeat_every', n.repeat_every NOT BETWEEN '0' AND '10 years', 'an interval from 0 to 10 years'),
            ('escalate_after', n.escalate_after NOT BETWEEN '0' AND '10 years', 'an interval from 0 to 10 years'),
            ('hysteresis', NOT (n.hysteresis >= 0 AND n.hysteresis < 1000), 'per cent, from 0 to less than 1000'),
            ('fdr', NOT (n.fdr > 0 AND n.fdr < 1), 'between 0 and 1'),
            ('group_above', n.group_above < 0, 'not negative'),
            ('max_repeats', n.max_repeats < 0, 'not negative')) w (what, bad, must) WHERE w.bad)",
                                  {Json{columns.dump()}});
    if (wrong.empty()) return;
    throw Error("22023", fmt::format("{} is out of range", *wrong.rows[0][0]), {},
                fmt::format("It is {}.", *wrong.rows[0][1]));
}

// Checks and completes the columns.
void complete(json &columns, ObjectId role, Trial trial) {
    check_known(columns);
    check_guards(columns);
    const std::string metric = text_of(columns, "metric", "");
    Inquiry q;
    q.condition = condition_by_name(text_of(columns, "condition", ""));
    q.threshold = number_of(columns, "threshold");
    q.segmented = !list_of(columns, "by").empty();
    q.grain = parse_grain(text_of(columns, "grain", "day"));
    q.look = look_by_name(text_of(columns, "buckets", "closed"));
    q.baseline = baseline_by_name(text_of(columns, "baseline", "avg7d"));
    q.method = detect::method_by_name(text_of(columns, "method", "robust"));
    if (const auto ratio = ratio_of(metric)) q.is_rate = ratio->is_percent;
    if (std::isnan(q.threshold)) q.threshold = default_threshold(q).value_or(kNone);
    check(q);
    check_ranges(columns);
    if (const std::string named = text_of(columns, "threshold_name", ""); !named.empty())
        (void)pg::value("SELECT kpi.threshold_value($1)", {named});
    columns["grain"] = name(q.grain);
    columns["direction"] = direction_of(columns, q, metric);
    (void)side_by_name(columns["direction"].get<std::string>());
    check_sinks(list_of(columns, "sinks"), role);
    check_sinks(list_of(columns, "escalate_sinks"), role);
    if (trial == Trial::skipped) return;
    check_readable(role, metric, list_of(columns, "by"),
                   columns.contains("filters") ? columns["filters"].dump() : "{}");
}

// What is not said is as the table has it.
void store(json columns, ObjectId role, Trial trial) {
    complete(columns, role, trial);
    columns["role"] = std::to_string(role.value);
    std::string names, values, changes;
    for (const auto &[key, value] : columns.items()) {
        if (value.is_null() && key != "threshold") continue;
        const std::string column = pg::quote(key);
        names += (names.empty() ? "" : ", ") + column;
        values += (values.empty() ? "n." : ", n.") + column;
    }
    for (const char *column : kColumns)
        changes += fmt::format("{0} = excluded.{0}, ", pg::quote(column));
    pg::execute(
        fmt::format("INSERT INTO kpi.rule ({}) SELECT {} FROM "
                    "pg_catalog.jsonb_populate_record(NULL::kpi.rule, $1) n ON CONFLICT (name) DO "
                    "UPDATE SET {}changed_at = pg_catalog.clock_timestamp()",
                    names, values, changes),
        {Json{columns.dump()}});
    pg::execute("DELETE FROM kpi.rule_memory WHERE rule = $1",
                {columns["name"].get<std::string>()});
}

json parse_object(const char *argument, const std::string &text) {
    json object = json::parse(text);
    if (!object.is_object())
        throw Error("22023", fmt::format("{} must be a JSON object", argument), {},
                    "For example {\"threshold\": 65, \"enabled\": false}.");
    return object;
}

}  // namespace

void add_rule(ObjectId caller, const std::string &text, Trial trial) {
    const json columns = json::parse(text);
    const std::string name = text_of(columns, "name", "");
    if (name.empty() || name.size() > 63)
        throw Error("22023", "name must have 1 to 63 bytes", {}, "For example LowRevenue.");
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    pg::lock_name("rule " + name, pg::Sharing::exclusive);
    ObjectId role = caller;
    if (pg::value("SELECT 1 FROM kpi.rule WHERE name = $1", {name}))
        role = rule_of_caller(name, caller).role;
    store(columns, role, trial);
}

void alter_rule(ObjectId caller, const std::string &name, const std::string &text) {
    const json changes = parse_object("changes", text);
    check_known(changes);
    if (changes.contains("name"))
        throw Error("22023", "a rule cannot be renamed", {},
                    "Add another one and drop this one; incidents have the name of the rule.");
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    pg::lock_name("rule " + name, pg::Sharing::exclusive);
    const Rule rule = rule_of_caller(name, caller);
    json columns = json::parse(
        *pg::value("SELECT pg_catalog.to_jsonb(r) - 'role' - 'changed_at' FROM kpi.rule r WHERE "
                   "r.name = $1",
                   {name}));
    // The side follows the condition unless it is given.
    if (changes.contains("condition") && !changes.contains("direction"))
        columns["direction"] = nullptr;
    columns.update(changes);
    store(columns, rule.role, Trial::read);
}

void drop_rule(ObjectId caller, const std::string &name) {
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    pg::lock_name("rule " + name, pg::Sharing::exclusive);
    const Rule rule = rule_of_caller(name, caller);
    close_incidents_of(name, pg::now());
    for (const char *table : {"rule_memory", "rule_state"})
        pg::execute(fmt::format("DELETE FROM kpi.{} WHERE rule = $1", table), {name});
    pg::execute("DELETE FROM kpi.rule WHERE name = $1", {rule.name});
}

}  // namespace kpi::monitor
