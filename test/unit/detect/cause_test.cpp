#include "detect/cause.hpp"

#include <gtest/gtest.h>

#include <random>

#include "core/error.hpp"
#include "detect/mix.hpp"

namespace kpi::detect {
namespace {

// 6 countries x 5 sources x 3 devices of different size, with Poisson noise.
std::vector<Leaf> cube(std::uint64_t seed, double (*factor)(const std::vector<int> &)) {
    std::mt19937_64 random(seed);
    std::vector<Leaf> out;
    for (int c = 0; c < 6; ++c) {
        for (int s = 0; s < 5; ++s) {
            for (int d = 0; d < 3; ++d) {
                Leaf leaf;
                leaf.codes = {c, s, d};
                leaf.expected = 400.0 / ((c + 1) * (s + 1) * (d + 1)) + 2;
                leaf.actual =
                    std::poisson_distribution<int>(leaf.expected * factor(leaf.codes))(random);
                out.push_back(leaf);
            }
        }
    }
    return out;
}

TEST(Cause, FindsOneValueOfOneDimension) {
    const auto leaves = cube(1, [](const std::vector<int> &c) { return c[0] == 2 ? 0.4 : 1.0; });
    const auto found = find_causes(leaves, Measure::amount, 3);
    ASSERT_FALSE(found.empty());
    ASSERT_EQ(found[0].elements.size(), 1U);
    EXPECT_EQ(found[0].elements[0].dimension, 0U);
    EXPECT_EQ(found[0].elements[0].code, 2);
    EXPECT_LT(found[0].actual, 0.6 * found[0].expected);
    EXPECT_GT(found[0].share, 0.6);
}

TEST(Cause, FindsAPairThatNoSingleDimensionShows) {
    const auto leaves =
        cube(2, [](const std::vector<int> &c) { return c[0] == 0 && c[1] == 1 ? 0.3 : 1.0; });
    const auto found = find_causes(leaves, Measure::amount, 3);
    ASSERT_FALSE(found.empty());
    EXPECT_TRUE(found[0].is_pair);
    EXPECT_EQ(found[0].elements[0].code, 0);
    EXPECT_EQ(found[0].elements[1].code, 1);
}

TEST(Cause, FindsTwoValuesTogether) {
    const auto leaves =
        cube(3, [](const std::vector<int> &c) { return c[1] == 0 || c[1] == 2 ? 1.8 : 1.0; });
    const auto found = find_causes(leaves, Measure::amount, 3);
    ASSERT_FALSE(found.empty());
    ASSERT_EQ(found[0].elements.size(), 2U);
    EXPECT_FALSE(found[0].is_pair);
    EXPECT_EQ(found[0].elements[0].dimension, 1U);
}

TEST(Cause, FindsTheRateThatBrokeNotTheTrafficThatGrew) {
    std::mt19937_64 random(4);
    auto leaves = cube(4, [](const std::vector<int> &) { return 1.0; });
    for (Leaf &leaf : leaves) {
        leaf.expected_trials = 20 * leaf.expected;
        leaf.expected = 0.3 * leaf.expected_trials;
        leaf.actual_trials =
            leaf.expected_trials * (leaf.codes[0] == 1 ? 3 : 1);  // only more traffic
        const double rate = leaf.codes[2] == 1 ? 0.24 : 0.3;
        leaf.actual =
            std::binomial_distribution<int>(static_cast<int>(leaf.actual_trials), rate)(random);
    }
    const auto found = find_causes(leaves, Measure::rate, 3);
    ASSERT_FALSE(found.empty());
    ASSERT_EQ(found[0].elements.size(), 1U);
    EXPECT_EQ(found[0].elements[0].dimension, 2U);
    EXPECT_EQ(found[0].elements[0].code, 1);
}

TEST(Cause, NothingToBlameIsNoError) {
    EXPECT_TRUE(find_causes({}, Measure::amount, 3).empty());
    std::vector<Leaf> leaves(4);
    for (int i = 0; i < 4; ++i) leaves[i] = {{i}, 10, 10, 0, 0};
    EXPECT_TRUE(find_causes(leaves, Measure::amount, 3).empty());
    leaves[2].codes = {1, 2};
    EXPECT_THROW(find_causes(leaves, Measure::amount, 3), Error);
}

TEST(Mix, EffectsAddUpAndSayWhichIsWhich) {
    // The rate of each segment stays, the poor one doubles its weight: all mix.
    const std::vector<Part> shift{{50, 100, 50, 100}, {10, 100, 20, 200}};
    const auto s = split_ratio(shift);
    EXPECT_NEAR(s[0].rate + s[1].rate, 0, 1e-12);
    EXPECT_NEAR(s[0].mix + s[1].mix, 70.0 / 300 - 60.0 / 200, 1e-12);
    // Weights stay, one rate falls: all rate.
    const auto r = split_ratio(std::vector<Part>{{50, 100, 30, 100}, {10, 100, 10, 100}});
    EXPECT_NEAR(r[0].rate, -0.1, 1e-12);
    EXPECT_NEAR(r[0].mix + r[1].mix + r[1].rate, 0, 1e-12);
}

TEST(Mix, NewAndVanishedSegmentsAreNamed) {
    const std::vector<Part> parts{
        {50, 100, 0, 0}, {0, 0, 20, 100}, {30, 100, 30, 100}, {0, 0, 0, 0}};
    const auto s = split_ratio(parts);
    EXPECT_EQ(s[0].presence, Presence::vanished);
    EXPECT_EQ(s[1].presence, Presence::appeared);
    EXPECT_EQ(s[2].presence, Presence::both);
    EXPECT_EQ(s[3].presence, Presence::neither);
    double sum = 0;
    for (const Split &x : s) sum += x.rate + x.mix;
    EXPECT_NEAR(sum, 50.0 / 200 - 80.0 / 200, 1e-12);
    EXPECT_THROW(split_ratio(std::vector<Part>{{1, 1, 0, 0}}), Error);
}

}  // namespace
}  // namespace kpi::detect
