#include "detect/detector.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "series.hpp"

namespace kpi::detect {
namespace {

constexpr const char *kNames[] = {"robust",  "zscore", "robust_z", "ratio", "percentile",
                                  "weekday", "tukey",  "stl",      "ewma"};

std::vector<Verdict> run(const char *method, const std::vector<Point> &points) {
    Detector d(method_by_name(method), {});
    std::vector<Verdict> out;
    for (const Point &p : points) out.push_back(d.observe(p));
    return out;
}

// Found by the fuzzer: the ratio of a huge value to a mean of almost nothing was infinite.
TEST(Detector, EveryScoreIsFiniteAfterAMeanOfAlmostNothing) {
    for (const char *name : kNames) {
        std::vector<Point> points(100);
        for (int i = 0; i < 100; ++i) {
            points[i].period = i;
            points[i].value = i < 99 ? 1e-289 : 1e98;
        }
        EXPECT_TRUE(std::isfinite(run(name, points).back().score)) << name;
        EXPECT_TRUE(std::isfinite(run(name, points).back().z)) << name;
    }
}

TEST(Detector, EveryMethodFindsAnExplosion) {
    auto points = weekly_series(150, 10000, 0.05, 1);
    points[141].value *= 8;
    for (const char *name : kNames) {
        const Verdict v = run(name, points)[141];
        EXPECT_TRUE(v.is_anomaly) << name;
        EXPECT_EQ(v.type, Type::spike) << name;
        EXPECT_GT(v.z, 0) << name;
        EXPECT_LT(v.upper, points[141].value) << name;
        EXPECT_GT(v.expected, v.lower) << name;
    }
}

TEST(Detector, NoMethodSeesTheFutureOrItself) {
    const auto points = weekly_series(150, 10000, 0.1, 2);
    auto changed = points;
    for (std::size_t i = 120; i < changed.size(); ++i) changed[i].value *= 7;
    for (const char *name : kNames) {
        const auto a = run(name, points), b = run(name, changed);
        for (std::size_t i = 0; i < 120; ++i) EXPECT_EQ(a[i].score, b[i].score) << name << " " << i;
        EXPECT_EQ(a[120].expected, b[120].expected) << name << ": the point is in its own baseline";
        EXPECT_EQ(a[120].lower, b[120].lower) << name;
    }
}

TEST(Detector, WaitsForItsHistory) {
    const auto points = weekly_series(60, 1000, 0.1, 3);
    for (const char *name : kNames) {
        const auto found = run(name, points);
        for (int i = 0; i < 27; ++i) EXPECT_FALSE(found[i].is_anomaly) << name;
        EXPECT_EQ(found[5].type, Type::learning) << name;
        EXPECT_EQ(found[59].type, found[59].is_anomaly ? found[59].type : Type::none) << name;
    }
}

TEST(Detector, SurvivesGapsFlatLinesAndRubbish) {
    for (const char *name : kNames) {
        Detector d(method_by_name(name), {});
        for (int i = 0; i < 200; ++i) {
            Point p;
            p.period = i * (i % 50 == 49 ? 3 : 2);
            if (p.period <= 0) continue;
            p.period = 3 * i;
            p.value = i % 11 == 0 ? kMissing : 4;
            const Verdict v = d.observe(p);
            EXPECT_TRUE(std::isfinite(v.score)) << name;
            EXPECT_FALSE(v.is_anomaly) << name << " " << i;
        }
    }
}

TEST(Detector, RefusesUnknownNamesAndStandingTime) {
    EXPECT_THROW(method_by_name("magic"), Error);
    Detector d(Method::zscore, {});
    Point p;
    p.value = 1;
    d.observe(p);
    EXPECT_THROW(d.observe(p), Error);
}

}  // namespace
}  // namespace kpi::detect
