#include "detect/shifts.hpp"

#include <gtest/gtest.h>

#include <random>

namespace kpi::detect {
namespace {

TEST(Shifts, FindsTwoAndIgnoresSpikes) {
    std::mt19937_64 random(1);
    std::normal_distribution<double> normal;
    std::vector<double> values;
    for (int i = 0; i < 200; ++i) {
        const double level = i < 80 ? 100 : i < 150 ? 160 : 120;
        values.push_back(level + 5 * normal(random));
    }
    values[40] = 400;
    values[120] = 0;
    const auto found = level_shifts(values);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_NEAR(static_cast<double>(found[0].index), 80, 2);
    EXPECT_NEAR(static_cast<double>(found[1].index), 150, 2);
    EXPECT_NEAR(found[0].before, 100, 3);
    EXPECT_NEAR(found[0].after, 160, 3);
    EXPECT_GT(found[0].size, 6);
}

TEST(Shifts, NoiseAloneHasNone) {
    int found = 0;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        std::mt19937_64 random(seed);
        std::normal_distribution<double> normal;
        std::vector<double> values;
        for (int i = 0; i < 150; ++i) values.push_back(normal(random));
        found += static_cast<int>(level_shifts(values).size());
    }
    EXPECT_LE(found, 2);
}

TEST(Shifts, FlatLinesShortSeriesAndHolesAreDefined) {
    EXPECT_TRUE(level_shifts({}).empty());
    EXPECT_TRUE(level_shifts(std::vector<double>(9, 1.0)).empty());
    EXPECT_TRUE(level_shifts(std::vector<double>(100, 1.0)).empty());
    std::vector<double> step(40, 1.0);
    for (int i = 20; i < 40; ++i) step[i] = 2;
    step[5] = std::numeric_limits<double>::quiet_NaN();
    const auto found = level_shifts(step);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].index, 20U);
}

}  // namespace
}  // namespace kpi::detect
