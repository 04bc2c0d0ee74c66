#include "core/funnel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace kpi {
namespace {

FunnelRules rules(int steps, int64_t within, bool later = false) {
    return {steps, std::vector<bool>(size_t(steps), later),
            [within](int64_t begin) { return begin + within; }};
}

TEST(Funnel, TakesTheAttemptThatGetsFurthestAndTheEarliestOfThose) {
    const auto found = best_attempts(
        {{0, 0, 1}, {0, 0, 10}, {0, 0, 11}, {1, 0, 2}, {1, 0, 12}, {2, 0, 13}}, rules(3, 5));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].times, (std::vector<int64_t>{10, 12, 13}));
}

TEST(Funnel, TheSameTimeCountsUnlessAStepMustBeLater) {
    const std::vector<FunnelEvent> events{{0, 0, 4}, {1, 0, 4}};
    EXPECT_EQ(best_attempts(events, rules(2, 0))[0].times.size(), 2U);
    EXPECT_EQ(best_attempts(events, rules(2, 9, true))[0].times.size(), 1U);
}

TEST(Funnel, EverySegmentHasAnAttemptOfItsOwn) {
    const auto found = best_attempts({{0, 2, 1}, {0, 5, 3}, {1, 0, 2}}, rules(2, 5));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].segment, 2U);
    EXPECT_EQ(found[0].times.size(), 2U);
    EXPECT_EQ(found[1].segment, 5U);
    EXPECT_EQ(found[1].times.size(), 1U);
}

TEST(Funnel, NoFirstStepIsNoAttempt) {
    EXPECT_TRUE(best_attempts({{1, 0, 2}}, rules(2, 5)).empty());
}

// Every chain there is, one by one.
size_t furthest(const std::vector<FunnelEvent> &events, int64_t at, int64_t until, int step,
                int steps) {
    size_t best = 0;
    if (step == steps) return 0;
    for (const FunnelEvent &event : events)
        if (event.step == step && event.at >= at && event.at <= until)
            best = std::max(best, 1 + furthest(events, event.at, until, step + 1, steps));
    return best;
}

TEST(Funnel, NoOtherChainGetsFurther) {
    std::mt19937 random(5);
    for (int round = 0; round < 500; ++round) {
        std::vector<FunnelEvent> events(14);
        for (FunnelEvent &event : events)
            event = {int32_t(random() % 4), 0, int64_t(random() % 20)};
        std::sort(events.begin(), events.end(), [](const FunnelEvent &a, const FunnelEvent &b) {
            return std::pair(a.step, a.at) < std::pair(b.step, b.at);
        });
        size_t best = 0;
        for (const FunnelEvent &event : events)
            if (event.step == 0)
                best = std::max(best, 1 + furthest(events, event.at, event.at + 6, 1, 4));
        const auto found = best_attempts(events, rules(4, 6));
        ASSERT_EQ(found.empty() ? 0 : found[0].times.size(), best);
    }
}

TEST(Occurrences, HaveTheMedianOfTheirNumbers) {
    Occurrences odd, even, none;
    for (const int64_t number : {9, 1, 5, 5, 7}) odd.add(number);
    for (const int64_t number : {1, 4, 4, 10}) even.add(number);
    even.add(20), even.add(30);
    EXPECT_EQ(odd.median(), 5);
    EXPECT_EQ(even.median(), 7);
    EXPECT_EQ(none.median(), 0);
    EXPECT_EQ(odd.distinct(), 4U);
}

}  // namespace
}  // namespace kpi
