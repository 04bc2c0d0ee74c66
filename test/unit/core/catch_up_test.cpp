// What a schedule owes after a late look: one run, whatever has passed, and none that is too old.
#include "core/catch_up.hpp"

#include <gtest/gtest.h>

namespace {

using kpi::Cron;
using kpi::date;
using kpi::kDay;
using kpi::kHour;
using kpi::kSecond;
using kpi::Owed;
using kpi::owed;
using kpi::Timestamp;

Timestamp utc(int year, int month, int day, int hour = 0, int minute = 0) {
    return {kpi::midnight(date({year, month, day})).microseconds + hour * kHour +
            int64_t(minute) * 60 * kSecond};
}

const kpi::Zone kUtc{[](Timestamp at) { return kpi::Local{at.microseconds}; },
                     [](kpi::Local wall) { return Timestamp{wall.microseconds}; }};

TEST(CatchUp, NothingIsOwedBeforeItsTime) {
    const Owed o = owed(Cron("0 8 * * *"), kUtc, utc(2026, 11, 27, 8), utc(2026, 11, 27, 7), kDay);
    EXPECT_FALSE(o.last);
    EXPECT_EQ(o.next, utc(2026, 11, 27, 8));
    EXPECT_FALSE(owed(Cron("0 8 * * *"), kUtc, std::nullopt, utc(2026, 11, 27), kDay).last);
    // The clock was set back by a month.
    const Owed back =
        owed(Cron("0 8 * * *"), kUtc, utc(2026, 12, 27, 8), utc(2026, 11, 27, 9), kDay);
    EXPECT_FALSE(back.last);
    EXPECT_EQ(back.next, utc(2026, 11, 28, 8));
}

TEST(CatchUp, OneRunAtItsTime) {
    const Owed o = owed(Cron("0 8 * * *"), kUtc, utc(2026, 11, 27, 8), utc(2026, 11, 27, 8), kDay);
    EXPECT_EQ(o.last, utc(2026, 11, 27, 8));
    EXPECT_FALSE(o.too_old);
    EXPECT_EQ(o.skipped, 0);
    EXPECT_EQ(o.next, utc(2026, 11, 28, 8));
}

TEST(CatchUp, OneRunStandsForAllThatHavePassed) {
    const Owed o =
        owed(Cron("*/30 * * * *"), kUtc, utc(2026, 11, 27, 8), utc(2026, 11, 28, 8, 40), kDay);
    EXPECT_EQ(o.last, utc(2026, 11, 28, 8, 30));
    EXPECT_EQ(o.skipped, 49);
    EXPECT_FALSE(o.too_old);
    EXPECT_EQ(o.next, utc(2026, 11, 28, 9));
}

TEST(CatchUp, WhatIsTooOldIsMissed) {
    const Owed o =
        owed(Cron("0 8 * * *"), kUtc, utc(2026, 11, 20, 8), utc(2026, 11, 28, 7), 2 * kHour);
    EXPECT_EQ(o.last, utc(2026, 11, 27, 8));
    EXPECT_TRUE(o.too_old);
    EXPECT_EQ(o.skipped, 7);
    EXPECT_EQ(o.next, utc(2026, 11, 28, 8));
}

TEST(CatchUp, YearsOfMinutesAreNotWalkedThrough) {
    const Owed o =
        owed(Cron("* * * * *"), kUtc, utc(2000, 1, 1), utc(2026, 11, 28, 7, 1), 20 * kHour);
    EXPECT_EQ(o.last, utc(2026, 11, 28, 7, 1));
    EXPECT_EQ(o.skipped, kpi::kMostCounted);
    const Owed rare = owed(Cron("0 0 29 2 *"), kUtc, utc(2000, 2, 29), utc(2026, 11, 28), kDay);
    EXPECT_EQ(rare.last, utc(2024, 2, 29));
    EXPECT_EQ(rare.skipped, 6);
    EXPECT_TRUE(rare.too_old);
}

}  // namespace
