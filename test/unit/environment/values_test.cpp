// Files of environments: what is read, and every way in which one is refused, with its line.
#include "environment/values.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "core/cron.hpp"
#include "core/error.hpp"
#include "environment/document.hpp"
#include "environment/keys.hpp"

namespace {

using kpi::environment::read_values;

std::map<std::string, std::string> read(const std::string &name, const std::string &yaml) {
    std::map<std::string, std::string> out;
    for (const auto &value : read_values(name, yaml)) out[value.key] = value.text;
    return out;
}

kpi::Error refused(const std::string &yaml) {
    try {
        (void)read_values("dev", yaml);
    } catch (const kpi::Error &error) {
        return error;
    }
    ADD_FAILURE() << yaml << " was accepted";
    return {"", ""};
}

std::map<std::string, std::string> shipped(const std::string &name) {
    std::ifstream file(std::string(KPI_ROOT) + "/environments/" + name + ".yaml");
    std::stringstream text;
    text << file.rdbuf();
    return read(name, text.str());
}

TEST(Environment, AFlatMappingIsRead) {
    EXPECT_EQ(read("dev",
                   "# thresholds\nleads_critical: 5\nleads_warning: 9.5\n\n"
                   "refresh_schedule: \"*/10 * * * *\"\nanalyze_after_refresh: true\n"),
              (std::map<std::string, std::string>{{"leads_critical", "5"},
                                                  {"leads_warning", "9.5"},
                                                  {"refresh_schedule", "*/10 * * * *"},
                                                  {"analyze_after_refresh", "true"}}));
    EXPECT_TRUE(read("dev", "").empty());
    EXPECT_TRUE(read("dev", "# nothing\n").empty());
    EXPECT_EQ(read("dev", "{leads_warning: 90}").at("leads_warning"), "90");
    EXPECT_EQ(read("dev", "environment: dev\nzscore_warning: -3").at("zscore_warning"), "-3");
}

TEST(Environment, WhatIsWrongIsSaidWithItsLine) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"leads_warning: 90\nleads_critcal: 5", "line 2: \"leads_critcal\" is no key"},
        {"leads_warning: 90\n\nleads_warning: 91", "line 3: \"leads_warning\" stands in line 1"},
        {"leads_warning: many", "line 1: leads_warning cannot be \"many\": it must be a number"},
        {"leads_warning: \"90\"", "line 1: leads_warning: \"90\" is a text"},
        {"leads_warning: 010", "it must be a number"},
        {"leads_warning: 0x10", "it must be a number"},
        {"leads_warning: 1e3", "it must be a number"},
        {"leads_warning: 1_000", "it must be a number"},
        {"leads_warning: .inf", "it must be a number"},
        {"leads_warning: +5", "it must be a number"},
        {"leads_warning:", "it must be a number"},
        {"leads_warning: ~", "it must be a number"},
        {"leads_warning: -1", "it must be from 0 to"},
        {"payment_success_warning: 101", "it must be from 0 to 100"},
        {"analyze_after_refresh: on", "line 1: analyze_after_refresh: the word on is a boolean"},
        {"leads_warning: No", "the word No is a boolean"},
        {"analyze_after_refresh: \"true\"", "\"true\" is a text"},
        {"analyze_after_refresh: True", "it must be true or false"},
        {"dq_health_schedule: 0 25 * * *", "line 1: dq_health_schedule cannot be"},
        {"time_zone: ''", "it must name a time zone"},
        {"leads_warning: &a 90\nleads_critical: *a", "line 1: an anchor"},
        {"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", "line 1: a list is not allowed"},
        {"leads_warning: [90]", "line 1: a list is not allowed"},
        {"thresholds:\n  leads_warning: 90", "line 2: a mapping inside the mapping"},
        {"? [a]\n: 5", "line 1: a list"},
        {"leads_warning: !!int 90", "line 1: the tag tag:yaml.org,2002:int is not allowed"},
        {"leads_warning: !!python/object:os.system 90", "the tag"},
        {"just a text", "line 1: a value stands alone"},
        {"- 1", "line 1: a list is not allowed"},
        {"leads_warning: 90\n---\nleads_warning: 91", "a second document begins"},
        {"environment: prod", "line 1: the file is of environment \"prod\""},
        {"leads_warning: 10", "leads_critical (50) is above leads_warning (10)"},
        {"leads_critical: 70\nleads_warning: 60",
         "line 2: leads_critical (70) is above leads_warning (60)"},
        {"revenue_vs_avg7d_critical: 0.9", "is above revenue_vs_avg7d_warning (0.85)"}};
    for (const auto &[yaml, message] : cases) {
        const kpi::Error error = refused(yaml);
        EXPECT_EQ(error.sqlstate, "22023") << yaml;
        EXPECT_NE(error.message.find(message), std::string::npos) << yaml << ": " << error.message;
        EXPECT_FALSE(error.hint.empty()) << yaml;
    }
    EXPECT_EQ(refused("leads_critcal: 5").hint, "Did you mean \"leads_critical\"?");
}

TEST(Environment, WhatIsNoYamlIsSaidWithItsLine) {
    for (const char *yaml : {"leads_warning: 90\n\t- x: {", "leads_warning: \"90", "a: b: c",
                             "@x: 1", "leads_warning: 80\nrefresh_schedule: */5 * * * *"}) {
        const kpi::Error error = refused(yaml);
        EXPECT_EQ(error.sqlstate, "22P02") << yaml << ": " << error.message;
        EXPECT_NE(error.message.find("line "), std::string::npos) << yaml;
    }
    const kpi::Error star = refused("leads_warning: 80\nrefresh_schedule: */5 * * * *");
    EXPECT_NE(star.message.find("line 2"), std::string::npos) << star.message;
    EXPECT_NE(star.hint.find("must be quoted"), std::string::npos) << star.hint;
}

TEST(Environment, SizeAndDepthAreBounded) {
    const std::string big(kpi::environment::kMostBytes + 1, '#');
    EXPECT_EQ(refused(big).sqlstate, "54000");
    for (const char *open : {"[", "{", "- ", "? ", "a: {"}) {
        std::string deep;
        while (deep.size() + 8 < kpi::environment::kMostBytes) deep += open;
        EXPECT_FALSE(refused(deep).message.empty()) << open;
    }
}

// dev is permissive, prod strict, stg between: levels that alarm below are lower, work is rarer.
TEST(Environment, TheShippedOnesAreOrdered) {
    const auto dev = shipped("dev"), stg = shipped("stg"), prod = shipped("prod");
    const auto yearly = [](const std::string &schedule) {
        const kpi::Cron cron(schedule);
        const kpi::Zone utc{[](kpi::Timestamp at) { return kpi::Local{at.microseconds}; },
                            [](kpi::Local wall) { return kpi::Timestamp{wall.microseconds}; }};
        int64_t runs = 0;
        for (auto at = cron.next({0}, utc); at && at->microseconds < 28 * kpi::kDay;
             at = cron.next(*at, utc))
            ++runs;
        return runs;
    };
    for (const auto &key : kpi::environment::keys()) {
        const std::string name(key.name);
        ASSERT_EQ(dev.count(name) + stg.count(name) + prod.count(name), 3U) << name;
        if (key.type == kpi::environment::Type::number) {
            // Patience is permissive the longer it is.
            const int sign = name == "backup_after_minutes" ? -1 : 1;
            EXPECT_LT(sign * std::stod(dev.at(name)), sign * std::stod(stg.at(name))) << name;
            EXPECT_LT(sign * std::stod(stg.at(name)), sign * std::stod(prod.at(name))) << name;
            EXPECT_EQ(std::stod(prod.at(name)), std::stod(std::string(key.preset))) << name;
        }
        if (key.type != kpi::environment::Type::schedule) continue;
        EXPECT_LE(yearly(dev.at(name)), yearly(stg.at(name))) << name;
        EXPECT_LE(yearly(stg.at(name)), yearly(prod.at(name))) << name;
        EXPECT_EQ(yearly(prod.at(name)), yearly(std::string(key.preset))) << name;
    }
}

TEST(Environment, EveryPresetIsRight) {
    for (const auto &key : kpi::environment::keys())
        EXPECT_EQ(kpi::environment::fault_of(key, key.preset), "") << key.name;
}

}  // namespace
