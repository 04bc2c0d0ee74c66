#include "detect/forecast.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "series.hpp"

namespace kpi::detect {
namespace {

TEST(Forecast, ContinuesTheWeekAndWidens) {
    const auto points = weekly_series(200, 10000, 0.05, 1);
    State state = make_state({});
    for (int i = 0; i < 170; ++i) observe(state, points[i]);
    const auto out = forecast(state, 30, 0.9);
    ASSERT_EQ(out.size(), 30U);
    int inside = 0;
    for (int h = 0; h < 30; ++h) {
        EXPECT_EQ(out[h].period, points[170 + h].period);
        inside +=
            points[170 + h].value >= out[h].lower && points[170 + h].value <= out[h].upper ? 1 : 0;
    }
    EXPECT_GE(inside, 24);
    const auto width = [&](int h) { return std::log(out[h].upper / out[h].lower); };
    EXPECT_GT(width(28), width(0));
    EXPECT_GT(forecast(state, 1, 0.99)[0].upper, out[0].upper);
}

TEST(Forecast, IntervalsCoverWhatTheyPromise) {
    double inside = 0, all = 0;
    for (std::uint64_t seed = 0; seed < 80; ++seed) {
        const auto points = poisson_series(134, 80, seed);
        State state = make_state({});
        for (int i = 0; i < 120; ++i) observe(state, points[i]);
        const auto out = forecast(state, 14, 0.8);
        for (int h = 0; h < 14; ++h) {
            inside += points[120 + h].value >= out[h].lower && points[120 + h].value <= out[h].upper
                          ? 1
                          : 0;
            all += 1;
        }
    }
    EXPECT_GT(inside / all, 0.72);
    EXPECT_LT(inside / all, 0.95);
}

TEST(Forecast, RefusesWhatItCannotKnow) {
    State state = make_state({});
    EXPECT_THROW(forecast(state, 5, 0.9), Error);
    for (const Point &p : weekly_series(60, 10, 0.1, 1)) observe(state, p);
    EXPECT_THROW(forecast(state, 0, 0.9), Error);
    EXPECT_THROW(forecast(state, 5, 1.0), Error);
    EXPECT_EQ(forecast(state, 5, 0.9).size(), 5U);
}

}  // namespace
}  // namespace kpi::detect
