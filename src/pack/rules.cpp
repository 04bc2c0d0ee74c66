#include "pack/rules.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "monitor/rule/rule.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::pack {
namespace {

using nlohmann::json;

enum class Of { leads, payments };

constexpr const char *kLowLeads =
    "Fewer leads than usual: campaigns stopped, a form is broken, or rows do not arrive.\n"
    "1. SELECT * FROM kpi.explain('leads', 'today'): is it one country or one source?\n"
    "2. Open the form of that source and send a test lead; look at the spend of its campaigns.\n"
    "3. SELECT * FROM kpi.check_status: do the rows arrive at all?";
constexpr const char *kLowRevenue =
    "Less revenue than usual: fewer payments, smaller ones, or more that fail.\n"
    "1. SELECT * FROM kpi.query('{payments,payments_succeeded,revenue}', '8d'): which of them "
    "fell?\n"
    "2. SELECT * FROM kpi.explain('revenue', 'today'): which country or source?\n"
    "3. Look at the payment provider's status page and at prices changed since yesterday.";
constexpr const char *kLowSuccess =
    "More payments fail than usual: the provider, a bank, a card check, or an attack.\n"
    "1. SELECT * FROM kpi.explain('payments_success_rate', 'today'): one source or all?\n"
    "2. Look at the provider's status page and at the errors of the last hour.\n"
    "3. Switch the failing provider or method off if there is another one.";
constexpr const char *kNoData =
    "Nothing arrives where something always did: the feed, the job or the form is down.\n"
    "1. Look at the newest row of the table, and at the job or service that writes it.\n"
    "2. SELECT * FROM kpi.status(): is the source in an error?\n"
    "3. When the feed is back, late rows mend the numbers by themselves.";

struct Default {
    const char *name;
    Of of;
    const char *runbook;
    // Columns of kpi.rule; "segments": by country and source, as far as there are such.
    const char *columns;
};

// Guards against what is expected of the weekday keep Sundays and small segments quiet.
constexpr std::array<Default, 16> kDefaults = {{
    {"LowDailyLeads", Of::leads, kLowLeads,
     R"({"metric": "leads", "condition": "below", "threshold": 50, "threshold_name": "leads_critical", "buckets": "open",
         "for_": "15 minutes", "severity": "critical", "min_change_pct": 20, "hysteresis": 5})"},
    {"LowDailyLeadsWarning", Of::leads, kLowLeads,
     R"({"metric": "leads", "condition": "below", "threshold": 80, "threshold_name": "leads_warning", "buckets": "open",
         "for_": "15 minutes", "min_change_pct": 20, "hysteresis": 5})"},
    {"LowRevenueVsAvg7d", Of::payments, kLowRevenue,
     R"({"metric": "revenue", "condition": "ratio", "threshold": 0.7, "threshold_name": "revenue_vs_avg7d_critical", "buckets": "open",
         "for_": "30 minutes", "severity": "critical", "min_change_pct": 20, "hysteresis": 5})"},
    {"LowRevenueVsAvg7dWarning", Of::payments, kLowRevenue,
     R"({"metric": "revenue", "condition": "ratio", "threshold": 0.85, "threshold_name": "revenue_vs_avg7d_warning", "buckets": "open",
         "for_": "30 minutes", "min_change_pct": 15, "hysteresis": 5})"},
    {"LowPaymentSuccessRate", Of::payments, kLowSuccess,
     R"({"metric": "payments_success_rate", "condition": "below", "threshold": 92, "threshold_name": "payment_success_critical",
         "buckets": "open", "for_": "15 minutes", "min_change_abs": 1})"},
    {"LowPaymentSuccessRateInfo", Of::payments, kLowSuccess,
     R"({"metric": "payments_success_rate", "condition": "below", "threshold": 95, "threshold_name": "payment_success_warning",
         "buckets": "open", "for_": "15 minutes", "severity": "info", "min_change_abs": 1})"},
    {"LowRevenueBySegment", Of::payments, kLowRevenue,
     R"({"metric": "revenue", "condition": "ratio", "threshold": 0.7, "threshold_name": "revenue_by_segment_warning", "buckets": "open",
         "for_": "30 minutes", "min_change_pct": 30, "hysteresis": 5, "segments": true})"},
    {"LowLeadsBySegment", Of::leads, kLowLeads,
     R"({"metric": "leads", "condition": "below", "threshold": 20, "threshold_name": "leads_by_segment_warning", "buckets": "open",
         "for_": "15 minutes", "min_change_pct": 30, "hysteresis": 5, "min_volume": 20, "segments": true})"},
    {"LowRevenueZScore", Of::payments, kLowRevenue,
     R"({"metric": "revenue", "condition": "anomaly", "method": "zscore", "threshold": 2, "threshold_name": "zscore_warning",
         "direction": "down", "min_change_pct": 20})"},
    {"LowLeadsZScore", Of::leads, kLowLeads,
     R"({"metric": "leads", "condition": "anomaly", "method": "zscore", "threshold": 2, "threshold_name": "zscore_warning",
         "direction": "down", "min_change_pct": 20})"},
    {"RevenueAnomaly", Of::payments, kLowRevenue,
     R"({"metric": "revenue", "condition": "anomaly", "direction": "down"})"},
    {"LeadsAnomaly", Of::leads, kLowLeads,
     R"({"metric": "leads", "condition": "anomaly", "direction": "down"})"},
    {"PaymentSuccessRateAnomaly", Of::payments, kLowSuccess,
     R"({"metric": "payments_success_rate", "condition": "anomaly", "direction": "down"})"},
    {"RevenuePercentileBySegment", Of::payments, kLowRevenue,
     R"({"metric": "revenue", "condition": "percentile", "threshold": 1, "direction": "down", "min_change_pct": 40, "segments": true})"},
    {"NoLeads", Of::leads, kNoData,
     R"({"metric": "leads", "condition": "no_data", "buckets": "open", "for_": "15 minutes", "severity": "critical"})"},
    {"NoPayments", Of::payments, kNoData,
     R"({"metric": "payments", "condition": "no_data", "buckets": "open", "for_": "15 minutes", "severity": "critical"})"},
}};

constexpr const char *kLabels = R"({"pack": "sales"})";

bool exists(const char *rule) {
    return pg::value("SELECT 1 FROM kpi.rule WHERE name = $1", {std::string(rule)}).has_value();
}

json segments_of(const std::string &source) {
    json by = json::array();
    const Table found = pg::query(
        "SELECT d FROM kpi.source s, pg_catalog.unnest(s.dimensions) d WHERE s.name = $1 AND d IN "
        "('country', 'source') ORDER BY d",
        {source});
    for (const Row &row : found.rows) by.push_back(*row[0]);
    return by;
}

json sinks_of(ObjectId role) {
    const Cell usable = pg::value(R"(
        SELECT true FROM kpi.sink s WHERE s.name = 'slack' AND s.kind = 'slack' AND (kpi._may_run($1, s.owner)
            OR EXISTS (SELECT FROM kpi.sink_share h WHERE h.sink = s.name AND pg_catalog.pg_has_role($1, h.role, 'USAGE'))))",
                                  {role});
    return usable ? json{"slack"} : json::array();
}

}  // namespace

std::vector<std::string> add_default_rules(ObjectId role, const Parts &parts) {
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const json sinks = sinks_of(role);
    std::vector<std::string> added;
    for (const Default &rule : kDefaults) {
        if (!(rule.of == Of::leads ? parts.leads : parts.payments) || exists(rule.name)) continue;
        json columns = json::parse(rule.columns);
        if (columns.contains("segments")) {
            columns.erase("segments");
            columns["by"] = segments_of(rule.of == Of::leads ? "leads" : "payments");
            if (columns["by"].empty()) continue;
        }
        columns["name"] = rule.name;
        columns["runbook"] = rule.runbook;
        columns["labels"] = json::parse(kLabels);
        columns["sinks"] = sinks;
        monitor::add_rule(role, columns.dump(), monitor::Trial::skipped);
        added.emplace_back(rule.name);
    }
    return added;
}

void drop_default_rules(ObjectId role) {
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const Table rules =
        pg::query("SELECT name FROM kpi.rule WHERE labels @> $1 AND role = $2 ORDER BY name",
                  {Json{kLabels}, role});
    for (const Row &row : rules.rows) monitor::drop_rule(role, *row[0]);
}

}  // namespace kpi::pack
