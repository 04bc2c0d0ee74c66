#include "detect/stl.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace kpi::detect {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> clean(int n) {
    std::vector<double> out;
    for (int i = 0; i < n; ++i) out.push_back(100 + 0.5 * i + (i % 7 == 0 ? 18.0 : -3.0));
    return out;
}

TEST(Stl, SplitsALineAndASeason) {
    const auto d = stl(clean(140), 7, Fit::plain);
    for (int i = 0; i < 140; ++i) {
        EXPECT_NEAR(d.trend[i], 100 + 0.5 * i, 0.6) << i;
        EXPECT_NEAR(d.seasonal[i], i % 7 == 0 ? 18 : -3, 0.6) << i;
        EXPECT_NEAR(d.trend[i] + d.seasonal[i] + d.remainder[i], clean(140)[i], 1e-9);
    }
}

TEST(Stl, TheRobustFitIsDeafToOutliers) {
    auto values = clean(140);
    values[70] += 500;
    values[71] -= 400;
    const auto plain = stl(values, 7, Fit::plain), robust = stl(values, 7, Fit::robust);
    EXPECT_NEAR(robust.remainder[70], 500, 5);
    EXPECT_NEAR(robust.trend[69], 134.5, 2);
    EXPECT_GT(std::fabs(plain.trend[69] - 134.5), std::fabs(robust.trend[69] - 134.5));
}

TEST(Stl, AGapIsCarriedOver) {
    auto values = clean(140);
    values[80] = values[81] = kNan;
    const auto d = stl(values, 7, Fit::robust);
    EXPECT_NEAR(d.trend[80] + d.seasonal[80], clean(140)[80], 1.5);
    EXPECT_TRUE(std::isnan(d.remainder[80]));
}

TEST(Stl, RefusesWhatItCannotDecompose) {
    EXPECT_THROW(stl(clean(13), 7, Fit::plain), Error);
    EXPECT_THROW(stl(clean(30), 1, Fit::plain), Error);
    EXPECT_THROW(stl(std::vector<double>(30, kNan), 7, Fit::plain), Error);
}

}  // namespace
}  // namespace kpi::detect
