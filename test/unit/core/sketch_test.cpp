#include "core/sketch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

namespace kpi {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Sketch sketch_of(const std::vector<double> &values, const SketchScale &scale) {
    std::map<std::int32_t, std::int64_t> counts;
    for (const double value : values) ++counts[scale.bucket(value)];
    Sketch out;
    for (const auto &[bucket, rows] : counts) out.push_back({bucket, rows});
    return out;
}

TEST(Sketch, EveryValueIsWithinTheErrorOfItsBucket) {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> powers(-307, 308);
    for (const double error : {kLeastError, 0.003, kUsualError, 0.1, kGreatestError}) {
        const SketchScale scale(error);
        for (int i = 0; i < 20000; ++i) {
            const double value = (i % 2 == 0 ? 1 : -1) * std::pow(10, powers(random));
            const double found = scale.value(scale.bucket(value));
            ASSERT_LE(std::fabs(found - value), error * std::fabs(value) * (1 + 1e-9)) << value;
        }
        for (const double value :
             {std::numeric_limits<double>::max(), 1.0, 3.0, std::numeric_limits<double>::min()})
            EXPECT_LE(std::fabs(scale.value(scale.bucket(value)) - value),
                      error * value * (1 + 1e-9));
    }
}

TEST(Sketch, BucketsAreInTheOrderOfValues) {
    const SketchScale scale(kUsualError);
    const std::vector<double> ordered = {-kInfinity, -1e300, -2,        -1,          -0.5,
                                         -1e-300,    0,      1e-300,    0.5,         1,
                                         2,          1e300,  kInfinity, std::nan("")};
    for (size_t i = 1; i < ordered.size(); ++i)
        EXPECT_LT(scale.bucket(ordered[i - 1]), scale.bucket(ordered[i])) << ordered[i];
    EXPECT_EQ(scale.bucket(-0.0), scale.bucket(0.0));
    EXPECT_EQ(scale.bucket(1e-310), 0);
    EXPECT_EQ(scale.value(scale.bucket(-kInfinity)), -kInfinity);
    EXPECT_TRUE(std::isnan(scale.value(scale.bucket(std::nan("")))));
}

TEST(Sketch, PercentilesAreThoseOfTheValues) {
    std::mt19937_64 random(11);
    std::lognormal_distribution<double> sizes(3, 2);
    const SketchScale scale(kUsualError);
    std::vector<double> values;
    for (int i = 0; i < 5000; ++i) values.push_back(i % 5 == 0 ? -sizes(random) : sizes(random));
    const Sketch sketch = sketch_of(values, scale);
    std::sort(values.begin(), values.end());
    for (const double share : {0.0, 0.0001, 0.1, 0.2, 0.5, 0.9, 0.999, 1.0}) {
        const auto rank = std::max<std::ptrdiff_t>(1, std::ptrdiff_t(std::ceil(share * 5000)));
        const double expected = values[size_t(rank - 1)];
        EXPECT_NEAR(*percentile(sketch, scale, share), expected, 0.0100001 * std::fabs(expected));
    }
    EXPECT_FALSE(percentile({}, scale, 0.5));
}

TEST(Sketch, MergedIsTheSketchOfAll) {
    const SketchScale scale(kUsualError);
    const Sketch a = sketch_of({1, 2, 2, 5}, scale), b = sketch_of({-3, 2, 9}, scale);
    const Sketch all = sketch_of({1, 2, 2, 5, -3, 2, 9}, scale), both = merged(a, b);
    ASSERT_EQ(both.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(both[i].bucket, all[i].bucket);
        EXPECT_EQ(both[i].rows, all[i].rows);
    }
    EXPECT_TRUE(merged({}, {}).empty());
    EXPECT_EQ(merged(a, {}).size(), a.size());
}

TEST(Sketch, ShareBelowALimit) {
    const SketchScale scale(kUsualError);
    const Sketch sketch = sketch_of({-7, 0, 5, 14, 15, 15, 16, 30}, scale);
    EXPECT_EQ(share_below(sketch, scale, 15), 0.5);
    EXPECT_EQ(share_below(sketch, scale, 0), 0.125);
    EXPECT_EQ(share_below(sketch, scale, -7), 0);
    EXPECT_EQ(share_below(sketch, scale, 1e9), 1);
    EXPECT_FALSE(share_below({}, scale, 1));
}

}  // namespace
}  // namespace kpi
