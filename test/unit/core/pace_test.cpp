// When the next run may begin.
#include "core/pace.hpp"

#include <gtest/gtest.h>

namespace {

using kpi::Pace;

constexpr int64_t kMs = 1000;

TEST(Pace, BeforeTheFirstRunNothingIsWaitedFor) { EXPECT_LE(Pace{}.next(20 * kMs), 20 * kMs); }

TEST(Pace, AShortRunIsFollowedAfterTheInterval) {
    Pace pace;
    pace.ran(1000 * kMs, 1002 * kMs);
    EXPECT_EQ(pace.next(20 * kMs), 1020 * kMs);
}

TEST(Pace, AFifthOfTheTimeIsSpentRunning) {
    Pace pace;
    pace.ran(1000 * kMs, 1050 * kMs);
    EXPECT_EQ(pace.next(20 * kMs), 1250 * kMs);
}

TEST(Pace, AfterALongRunTheRestIsBounded) {
    Pace pace;
    pace.ran(0, 60'000 * kMs);
    EXPECT_EQ(pace.next(20 * kMs), 60'500 * kMs);
}

TEST(Pace, ALongIntervalIsKept) {
    Pace pace;
    pace.ran(0, 50 * kMs);
    EXPECT_EQ(pace.next(30'000 * kMs), 30'000 * kMs);
}

}  // namespace
