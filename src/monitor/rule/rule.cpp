#include "monitor/rule/rule.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

constexpr pg::Options kOften{.keep = pg::Keep::yes};

std::vector<std::string> texts(const Cell &json) {
    return nlohmann::json::parse(*json).get<std::vector<std::string>>();
}

double number(const Cell &cell) { return cell ? std::stod(*cell) : kNone; }

// What SQL reads for read(), in order.
constexpr const char *kSelect = R"(
SELECT r.name, r.metric, r.condition, r.threshold, pg_catalog.array_to_json(r."by"), r.filters, r.grain, r.buckets, r.baseline,
       r.method, r.direction, (EXTRACT(epoch FROM r.for_) * 1000000)::pg_catalog.int8,
       (EXTRACT(epoch FROM r.keep_firing) * 1000000)::pg_catalog.int8, r.hysteresis, r.min_volume, r.min_change_pct, r.min_change_abs,
       r.fdr, r.group_above, (EXTRACT(epoch FROM r.repeat_every) * 1000000)::pg_catalog.int8, r.max_repeats,
       (EXTRACT(epoch FROM r.escalate_after) * 1000000)::pg_catalog.int8, pg_catalog.array_to_json(r.escalate_sinks), r.severity,
       pg_catalog.array_to_json(r.sinks), r.owner, r.runbook, r.labels, r.role::pg_catalog.oid,
       EXISTS (SELECT FROM pg_catalog.pg_roles a WHERE a.oid = r.role),
       (EXTRACT(epoch FROM r.changed_at) * 1000000)::pg_catalog.int8 - 946684800000000,
       m.unit, m.formula, r.threshold_name
  FROM kpi.rule r LEFT JOIN kpi.metric m ON m.name = r.metric WHERE )";

Inquiry read_question(const Row &row) {
    Inquiry q;
    q.condition = condition_by_name(*row[2]);
    q.threshold = number(row[3]);
    q.segmented = *row[4] != "[]";
    q.grain = parse_grain(*row[6]);
    q.look = look_by_name(*row[7]);
    q.baseline = baseline_by_name(*row[8]);
    q.method = detect::method_by_name(*row[9]);
    q.side = side_by_name(*row[10]);
    q.hysteresis = number(row[13]);
    q.guards = {number(row[14]), number(row[15]), number(row[16])};
    if (!row[3]) q.threshold = default_threshold(q).value_or(kNone);
    return q;
}

Rule read(const Row &row) {
    Rule rule;
    rule.name = *row[0];
    rule.metric = *row[1];
    rule.question = read_question(row);
    rule.by = texts(row[4]);
    rule.filters = *row[5];
    rule.terms.hold = std::stoll(*row[11]);
    rule.terms.keep_firing = std::stoll(*row[12]);
    rule.fdr = number(row[17]);
    rule.group_above = std::stoi(*row[18]);
    rule.terms.repeat_every = std::stoll(*row[19]);
    rule.terms.max_repeats = std::stoi(*row[20]);
    rule.terms.escalate_after = std::stoll(*row[21]);
    rule.later_sinks = texts(row[22]);
    rule.severity = *row[23];
    rule.sinks = texts(row[24]);
    rule.owner = row[25];
    rule.runbook = row[26];
    rule.labels = *row[27];
    rule.role = {uint32_t(std::stoul(*row[28]))};
    rule.role_exists = *row[29] == "t";
    rule.changed_at = std::stoll(*row[30]);
    rule.unit = row[31].value_or("");
    rule.threshold_name = row[33].value_or("");
    rule.formula = row[32].value_or("");
    if (row[32]) rule.ratio = quotient_of(*row[32]);
    return rule;
}

}  // namespace

std::vector<Rule> enabled_rules() {
    const Table table = pg::query(
        std::string(kSelect) +
            "r.enabled ORDER BY pg_catalog.cardinality(r.\"by\"), CASE r.severity WHEN 'critical' "
            "THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, r.name",
        {}, kOften);
    std::vector<Rule> rules;
    for (const Row &row : table.rows) rules.push_back(read(row));
    return rules;
}

// FNV-1a
std::uint64_t Rule::signature() const {
    std::uint64_t hash = 14695981039346656037U;
    for (const char c : fmt::format("{} {}", question.threshold, formula))
        hash = (hash ^ std::uint8_t(c)) * 1099511628211U;
    return hash;
}

void resolve_threshold(Rule &rule) {
    if (rule.threshold_name.empty()) return;
    if (const Cell value =
            pg::value("SELECT kpi.threshold_value($1)", {rule.threshold_name}, kOften))
        rule.question.threshold = std::fabs(std::stod(*value));
}

Rule rule_of_caller(const std::string &name, ObjectId caller) {
    const Table table = pg::query(std::string(kSelect) + "r.name = $1", {name}, kOften);
    if (table.empty()) {
        std::vector<std::string> names;
        for (const Row &row :
             pg::query("SELECT name FROM kpi.rule WHERE kpi._may_run($1, role)", {caller}).rows)
            names.push_back(*row[0]);
        const std::string alike = near(name, names);
        throw Error("42704", fmt::format("rule \"{}\" does not exist", name), {},
                    alike.empty() ? "SELECT name FROM kpi.rule lists them."
                                  : fmt::format("Perhaps you mean {}.", alike));
    }
    Rule rule = read(table.rows[0]);
    if (pg::value("SELECT kpi._may_run($1, $2)", {caller, rule.role}) != "t")
        throw Error("42501", fmt::format("rule \"{}\" belongs to another role", name), {},
                    "The role that made it may do that, or a member of kpi_operator.");
    return rule;
}

}  // namespace kpi::monitor
