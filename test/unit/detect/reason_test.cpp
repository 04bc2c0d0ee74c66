#include "detect/reason.hpp"

#include <gtest/gtest.h>

namespace kpi::detect {
namespace {

TEST(Reason, SaysValueBandChangeAndRun) {
    Verdict v;
    v.type = Type::dip;
    v.expected = 31900;
    v.lower = 27100;
    v.upper = 37600;
    v.z = -7.4;
    v.streak = 3;
    EXPECT_EQ(reason(v, 18240, Frequency::day, ""),
              "18,240: expected 31,900 (27,100 to 37,600), -43 %, z -7.4; third low day in a row");
    v.streak = 12;
    v.z = 5;
    EXPECT_EQ(reason(v, 31900, Frequency::hour, "Black Friday"),
              "31,900: expected 31,900 (27,100 to 37,600), +0.0 %, z +5.0; 12 high hours in a row; "
              "beyond what "
              "Black Friday explains");
}

TEST(Reason, NeverShowsAnInfinitePercentage) {
    Verdict v;
    v.type = Type::spike;
    v.expected = v.lower = v.upper = 0;
    v.z = 4;
    EXPECT_EQ(reason(v, 9, Frequency::day, ""), "9: expected 0 (0 to 0), z +4.0");
    v.expected = 2;
    EXPECT_EQ(reason(v, 90, Frequency::day, ""),
              "90: expected 2 (0 to 0), 45 times expected, z +4.0");
}

TEST(Reason, ExplainsWhyThereIsNoVerdict) {
    Verdict v;
    EXPECT_EQ(reason(v, 1, Frequency::day, ""), "");
    v.type = Type::partial;
    EXPECT_EQ(reason(v, 1, Frequency::hour, ""), "the hour is not over");
    v.type = Type::learning;
    EXPECT_EQ(reason(v, 1, Frequency::day, ""), "not enough history for a verdict");
}

TEST(Reason, NumbersAreReadable) {
    EXPECT_EQ(number(1234567.8), "1,234,568");
    EXPECT_EQ(number(-1000), "-1,000");
    EXPECT_EQ(number(0.041666), "0.04167");
    EXPECT_EQ(number(999.95), "1000");
    EXPECT_EQ(type_name(Type::level_shift), "level_shift");
    EXPECT_EQ(type_name(Type::suppressed), "suppressed");
}

}  // namespace
}  // namespace kpi::detect
