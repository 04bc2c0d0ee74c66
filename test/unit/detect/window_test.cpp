#include "detect/window.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "detect/numbers.hpp"

namespace kpi::detect {
namespace {

struct Kept {
    explicit Kept(int capacity) : ring(capacity), ascending(capacity) {
        window.capacity = capacity;
    }
    Memory memory() { return {ring, ascending}; }
    void add(double v) { push(window, memory(), v); }
    Window window;
    std::vector<double> ring, ascending;
};

TEST(Window, ScoresAgainstTheValuesBefore) {
    Kept k(5);
    for (double v : {1.0, 2.0, 3.0, 4.0, 100.0, 5.0}) k.add(v);  // 1 is forgotten
    EXPECT_DOUBLE_EQ(k.window.mean, 22.8);
    EXPECT_NEAR(standard_deviation(k.window), 43.170591, 1e-6);
    EXPECT_DOUBLE_EQ(median_of(k.window, k.memory()), 4);
    EXPECT_NEAR(sigma_of(k.window, k.memory()), 1.4826, 1e-12);
    EXPECT_NEAR(*robust_z(k.window, k.memory(), 10), 6 / 1.4826, 1e-9);
    EXPECT_NEAR(*ratio(k.window, 11.4), 0.5, 1e-12);
}

TEST(Window, SaysNothingWithoutAPast) {
    Kept k(5);
    EXPECT_FALSE(zscore(k.window, 1));
    EXPECT_FALSE(ratio(k.window, 1));
    k.add(0);
    EXPECT_FALSE(zscore(k.window, 1));
    EXPECT_FALSE(ratio(k.window, 1)) << "a mean of zero has no ratio";
}

TEST(Window, AFlatPastKnowsOnlySameAndImpossible) {
    Kept k(28);
    for (int i = 0; i < 60; ++i) k.add(0.1);
    EXPECT_EQ(*zscore(k.window, 0.1), 0);
    EXPECT_EQ(*zscore(k.window, 0.2), kImpossible);
    EXPECT_EQ(*robust_z(k.window, k.memory(), 0.0), -kImpossible);
    EXPECT_EQ(*percentile_band(k.window, k.memory(), 0.1, 0.01, 0.99), 0);
}

TEST(Window, MillionsOfRowsLeaveNoRoundingBehind) {
    Kept k(28);
    for (int i = 0; i < 1000000; ++i) k.add(i % 1000 == 0 ? 1e12 : 1 + i % 7);
    for (int i = 0; i < 28; ++i) k.add(1 + i % 7);
    EXPECT_NEAR(k.window.mean, 4, 1e-9);
    EXPECT_NEAR(standard_deviation(k.window), 2.036, 1e-2);
}

RC_GTEST_PROP(WindowProperty, AgreesWithAFreshLook, ()) {
    const int capacity = *rc::gen::inRange(1, 40);
    const auto values = *rc::gen::container<std::vector<int>>(rc::gen::inRange(-50, 50));
    Kept k(capacity);
    for (int v : values) k.add(v);
    const auto from = values.size() > static_cast<std::size_t>(capacity) ? values.end() - capacity
                                                                         : values.begin();
    std::vector<double> last(from, values.end());
    std::sort(last.begin(), last.end());
    RC_ASSERT(k.window.size == static_cast<int>(last.size()));
    RC_ASSERT(std::equal(last.begin(), last.end(), k.ascending.begin()));
    if (last.empty()) return;
    double mean = 0;
    for (double v : last) mean += v / static_cast<double>(last.size());
    RC_ASSERT(std::fabs(k.window.mean - mean) < 1e-9);
    const double centre = median_of(k.window, k.memory());
    RC_ASSERT(std::fabs(sigma_of(k.window, k.memory()) - mad_sigma(last, centre)) < 1e-9);
}

}  // namespace
}  // namespace kpi::detect
