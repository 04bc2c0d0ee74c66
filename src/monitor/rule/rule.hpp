// monitor/rule: rules, from their definition to their incidents.
//
// This file: a rule as it stands in kpi.rule. Needs an open Spi and the rights of the extension's
// owner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/quotient.hpp"
#include "core/table.hpp"
#include "monitor/judge/inquiry.hpp"
#include "monitor/judge/life.hpp"

namespace kpi::monitor {

struct Rule {
    std::string name, metric;
    Inquiry question;
    std::vector<std::string> by;
    std::string filters = "{}", labels = "{}";  // JSON objects
    Terms terms;
    std::string severity;
    std::vector<std::string> sinks, later_sinks;
    std::optional<std::string> owner, runbook;
    ObjectId role;
    bool role_exists = true;
    std::string threshold_name;  // of kpi.threshold; empty: the threshold is the rule's own
    int group_above = 3;
    double fdr = 0.05;
    std::int64_t changed_at = 0;
    std::string unit, formula;      // of the metric
    std::optional<Quotient> ratio;  // its formula, when it is one

    // Of all that its outlooks depend on and that changes without the rule.
    std::uint64_t signature() const;
};

// Those that are enabled, the broadest and most severe first: an incident finds the one that speaks
// for it. A row that cannot be understood is left out (it was checked when it was written).
std::vector<Rule> enabled_rules();
// The threshold that counts in this environment. Errors: of kpi.threshold_value.
void resolve_threshold(Rule &rule);
// Errors: 42704 with the nearest names, 42501 when the caller may not run it.
Rule rule_of_caller(const std::string &name, ObjectId caller);

// `columns`: a JSON object of columns of kpi.rule. Errors: 22023 for what contradicts itself or is
// no column, 42704 for metrics and sinks that do not exist, 42501 for what the caller may not read
// or send to, or a rule of somebody else.
// Whether its metric is read once to see that it can be.
enum class Trial { read, skipped };
void add_rule(ObjectId caller, const std::string &columns, Trial trial = Trial::read);
void alter_rule(ObjectId caller, const std::string &name, const std::string &changes);
void drop_rule(ObjectId caller, const std::string &name);

}  // namespace kpi::monitor
