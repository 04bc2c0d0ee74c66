#include "monitor/judge/notice.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace {

using namespace kpi::monitor;

constexpr int64_t kMinute = 60'000'000;

Notice low_revenue() {
    Notice n;
    n.id = 142;
    n.severity = "critical";
    n.title = "revenue MX 18 % below expected";
    n.environment = "prod";
    n.since = "2026-03-03 09:15";
    n.lasted = 45 * kMinute;
    n.lines = {"9.8K so far, expected 12K"};
    n.assignee = "@ana";
    n.runbook = "look at the provider's status page";
    return n;
}

TEST(Notice, says_everything_that_matters_in_its_first_line) {
    EXPECT_EQ(plain_text(low_revenue()),
              "🔴 CRITICAL revenue MX 18 % below expected (prod · #K-142 · since 2026-03-03 09:15, "
              "45 min)\n9.8K so far, expected 12K\nOwner @ana · Runbook: look at the provider's "
              "status page");
}

TEST(Notice, an_end_says_how_long_it_lasted_and_asks_for_nothing) {
    Notice n = low_revenue();
    n.tiding = Tiding::resolved;
    EXPECT_EQ(plain_text(n),
              "✅ RESOLVED revenue MX 18 % below expected (prod · #K-142 · lasted 45 min)\n"
              "9.8K so far, expected 12K\nOwner @ana");
}

TEST(Notice, every_tiding_has_its_words_in_both_languages) {
    for (const Language language : {Language::english, Language::spanish}) {
        std::vector<std::string> lines;
        for (const Tiding tiding : {Tiding::opened, Tiding::unmuted, Tiding::repeated,
                                    Tiding::escalated, Tiding::resolved}) {
            Notice n = low_revenue();
            n.tiding = tiding;
            n.language = language;
            for (const std::string &line : lines) EXPECT_NE(line, headline(n));
            lines.push_back(headline(n));
        }
    }
    Notice n = low_revenue();
    n.language = Language::spanish;
    EXPECT_EQ(headline(n),
              "🔴 CRÍTICO revenue MX 18 % below expected (prod · #K-142 · desde 2026-03-03 09:15, "
              "45 min)");
}

TEST(Notice, links_stand_below_what_is_said) {
    Notice n = low_revenue();
    n.links = {{0, "https://kpi.example.com/a"}, {4, "https://kpi.example.com/s"}};
    EXPECT_TRUE(
        plain_text(n).ends_with("status page\nAcknowledge: https://kpi.example.com/a\nSnooze 4 h: "
                                "https://kpi.example.com/s"));
    n.language = Language::spanish;
    n.tiding = Tiding::snoozed;
    n.snoozed_until = "2026-03-03 13:15";
    EXPECT_TRUE(plain_text(n).ends_with(
        "silenciado hasta 2026-03-03 13:15 · Responsable @ana · Guía: look at the provider's "
        "status page\nReconocer: https://kpi.example.com/a\nSilenciar 4 h: "
        "https://kpi.example.com/s"));
}

TEST(Notice, durations) {
    EXPECT_EQ(duration(0), "0 min");
    EXPECT_EQ(duration(59 * kMinute), "59 min");
    EXPECT_EQ(duration(85 * kMinute), "1 h 25 min");
    EXPECT_EQ(duration((2 * 24 + 3) * 60 * kMinute), "2 d 3 h");
    EXPECT_EQ(duration(-kMinute), "0 min");
}

TEST(Notice, numbers_are_short_and_never_infinite) {
    EXPECT_EQ(short_number(9830), "9.83K");
    EXPECT_EQ(short_number(12'345'678), "12.3M");
    EXPECT_EQ(short_number(0.8215), "0.822");
    EXPECT_EQ(short_number(999.7), "1K");
    EXPECT_EQ(short_number(-2500), "-2.5K");
    EXPECT_EQ(short_number(0), "0");
    EXPECT_EQ(short_number(std::numeric_limits<double>::infinity()), "n/a");
    EXPECT_EQ(short_number(std::nan("")), "n/a");
}

TEST(Notice, sparkline) {
    const std::array<double, 4> values = {1, 4, std::nan(""), 7};
    EXPECT_EQ(sparkline(values), "▁▄ ▇");
    EXPECT_EQ(sparkline(std::array<double, 2>{5, 5}), "▁▁");
    EXPECT_EQ(sparkline({}), "");
}

}  // namespace
