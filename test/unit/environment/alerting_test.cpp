// Alerting rules from values: each value arrives where it belongs, and none is forgotten. What the
// rules mean is tested with promtool (test/wire/test_prometheus_rules.py).
#include "environment/alerting.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "environment/keys.hpp"

namespace kpi::environment {
namespace {

std::map<std::string, std::string> presets() {
    std::map<std::string, std::string> values;
    for (const Key &key : keys()) values[std::string(key.name)] = key.preset;
    return values;
}

TEST(Alerting, EveryThresholdOfTheOldRulesCounts) {
    const std::string usual = alerting_rules("prod", presets());
    for (const char *key :
         {"leads_critical", "leads_warning", "revenue_vs_avg7d_critical",
          "revenue_vs_avg7d_warning", "payment_success_critical", "payment_success_warning",
          "leads_by_segment_warning", "revenue_by_segment_warning"}) {
        auto values = presets();
        values[key] = "0.123";
        const std::string rules = alerting_rules("prod", values);
        EXPECT_NE(rules.find("< 0.123"), std::string::npos) << key;
        EXPECT_NE(rules, usual) << key;
    }
}

TEST(Alerting, NothingIsLeftToFillIn) {
    const std::string rules = alerting_rules("stg", presets());
    EXPECT_EQ(rules.find('@'), std::string::npos);
    EXPECT_NE(rules.find("environment: stg"), std::string::npos);
    EXPECT_NE(rules.back(), '\n');
}

TEST(Alerting, AMissingValueIsAnError) {
    auto values = presets();
    values.erase("leads_warning");
    EXPECT_THROW(alerting_rules("prod", values), Error);
}

}  // namespace
}  // namespace kpi::environment
