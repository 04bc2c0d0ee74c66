#include "delivery/breaker.hpp"

#include <gtest/gtest.h>

namespace {

using kpi::delivery::Breaker;
using kpi::net::Outcome;

constexpr int64_t kSecond = 1'000'000;

Outcome down() {
    Outcome outcome;
    outcome.state = Outcome::State::retry;
    outcome.receiver_down = true;
    return outcome;
}

Breaker opened(int64_t now, double chance) {
    Breaker breaker;
    for (int i = 0; i < Breaker::kFailures; ++i) breaker.see(down(), now, chance);
    return breaker;
}

TEST(Breaker, opens_at_the_fifth_failure_in_a_row) {
    Breaker breaker;
    for (int i = 0; i < 4; ++i) breaker.see(down(), 1000, 0.5);
    EXPECT_EQ(breaker.open_until, 0);
    breaker.see({}, 1000, 0.5);
    EXPECT_EQ(breaker.failures, 0);
    for (int i = 0; i < 5; ++i) breaker.see(down(), 1000, 0.5);
    EXPECT_GT(breaker.open_until, 1000);
}

TEST(Breaker, stays_open_longer_each_time_up_to_ten_minutes) {
    int64_t now = 1;
    Breaker breaker = opened(now, 0.999999);
    int64_t before = 0;
    for (int i = 0; i < 30; ++i) {
        const int64_t open = breaker.open_until - now;
        EXPECT_GE(open, 5 * kSecond);
        EXPECT_LE(open, 600 * kSecond);
        EXPECT_TRUE(open > before || open > 599 * kSecond);
        before = open;
        now = breaker.open_until;
        breaker.see(down(), now, 0.999999);
    }
    EXPECT_EQ(opened(1, 0).open_until, 1 + 5 * kSecond);
}

TEST(Breaker, ignores_failures_of_what_was_on_its_way_when_it_opened) {
    Breaker breaker = opened(1, 0.5);
    const Breaker before = breaker;
    breaker.see(down(), 2, 0.9);
    EXPECT_EQ(breaker, before);
}

TEST(Breaker, closes_when_the_receiver_answers) {
    Breaker breaker = opened(1, 0.5);
    Outcome refused;
    refused.state = Outcome::State::dead;
    refused.status = 404;
    breaker.see(refused, breaker.open_until + 1, 0.5);
    EXPECT_EQ(breaker, Breaker{});
}

TEST(Breaker, pauses_as_long_as_the_longest_wish_of_a_429) {
    Breaker breaker;
    Outcome busy;
    busy.state = Outcome::State::retry;
    busy.status = 429;
    busy.retry_after = 30;
    breaker.see(busy, 1000, 0.5);
    busy.retry_after = 10;
    breaker.see(busy, 1000, 0.5);
    EXPECT_EQ(breaker.paused_until, 1000 + 30 * kSecond);
    EXPECT_EQ(breaker.open_until, 0);
}

}  // namespace
