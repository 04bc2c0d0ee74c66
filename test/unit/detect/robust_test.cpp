#include "detect/robust.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "core/error.hpp"
#include "series.hpp"

namespace kpi::detect {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Robust, FlagsADipAndSaysWhatItExpected) {
    auto points = weekly_series(120, 10000, 0.05, 1);
    const double usual = points[110].value;
    points[110].value *= 0.5;
    const Verdict v = verdicts(points)[110];
    EXPECT_TRUE(v.is_anomaly);
    EXPECT_EQ(v.type, Type::dip);
    EXPECT_LT(v.z, -5);
    EXPECT_LT(v.p, 1e-4);
    EXPECT_NEAR(v.expected, usual, 0.15 * usual);
    EXPECT_GT(v.lower, points[110].value);
    EXPECT_LT(v.lower, v.expected);
    EXPECT_GT(v.upper, v.expected);
}

TEST(Robust, KnowsTheWeek) {
    const auto found = verdicts(weekly_series(365, 10000, 0.05, 2));
    int flagged = 0;
    for (const Verdict &v : found) flagged += v.is_anomaly ? 1 : 0;
    EXPECT_LE(flagged, 3);
    EXPECT_GT(found[361].expected,
              1.3 * found[362].expected);  // Friday against Saturday of the series
}

TEST(Robust, SaysNothingBeforeMinHistory) {
    auto points = weekly_series(60, 1000, 0.05, 3);
    points[20].value = 0;
    const auto found = verdicts(points);
    for (int i = 0; i < 27; ++i) {
        EXPECT_FALSE(found[i].is_anomaly) << i;
        EXPECT_EQ(found[i].type, Type::learning) << i;
        EXPECT_TRUE(std::isnan(found[i].p)) << i;
    }
    EXPECT_EQ(found[28].type, Type::none);
}

TEST(Robust, AShorterHistoryAnswersSooner) {
    Options options;
    options.min_history = 14;
    auto points = weekly_series(40, 1000, 0.03, 4);
    points[20].value *= 3;
    const auto found = verdicts(points, options);
    EXPECT_TRUE(found[20].is_anomaly);
    EXPECT_EQ(verdicts(points)[20].type, Type::learning);
}

TEST(Robust, OneOutlierInTheStartDoesNotBlindIt) {
    auto points = weekly_series(60, 1000, 0.05, 5);
    points[10].value *= 20;
    points[50].value *= 0.4;
    EXPECT_TRUE(verdicts(points)[50].is_anomaly);
}

TEST(Robust, ASmallCountIsNotAnAnomalyBecauseItIsHalf) {
    // 3 where 6 are usual is nothing; 50 % of 6,000 is.
    auto points = poisson_series(120, 6, 6);
    points[110].value = 3;
    EXPECT_FALSE(verdicts(points)[110].is_anomaly);
    points[110].value = 40;
    EXPECT_TRUE(verdicts(points)[110].is_anomaly);
}

TEST(Robust, ARateIsJudgedByItsTrials) {
    std::mt19937_64 random(7);
    std::vector<Point> points;
    for (int i = 0; i < 120; ++i) {
        Point p;
        p.period = i;
        p.denominator = i % 2 == 0 ? 20000 : 200;
        p.value = std::binomial_distribution<int>(static_cast<int>(p.denominator), 0.3)(random) /
                  p.denominator;
        points.push_back(p);
    }
    Options options;
    options.kind = Kind::rate;
    points[110].value = 0.24;  // of 20,000
    EXPECT_TRUE(verdicts(points, options)[110].is_anomaly);
    points[110].value = 0.3;
    points[111].value = 0.24;  // of 200
    EXPECT_FALSE(verdicts(points, options)[111].is_anomaly);
}

TEST(Robust, PerCentAndShareAreTheSameRate) {
    std::vector<Point> share, percent;
    std::mt19937_64 random(8);
    for (int i = 0; i < 90; ++i) {
        Point p;
        p.period = i;
        p.denominator = 1000;
        p.value = std::binomial_distribution<int>(1000, 0.3)(random) / 1000.0;
        share.push_back(p);
        p.value *= 100;
        percent.push_back(p);
    }
    const auto a = verdicts(share), b = verdicts(percent);
    EXPECT_NEAR(a[80].z, b[80].z, 1e-9);
    EXPECT_NEAR(100 * a[80].expected, b[80].expected, 1e-9);
}

TEST(Robust, ALevelShiftIsReportedOnceAndThenNormal) {
    auto points = weekly_series(160, 10000, 0.04, 9);
    for (int i = 100; i < 160; ++i) points[i].value *= 0.6;
    const auto found = verdicts(points);
    int shifts = 0, late = 0;
    for (int i = 100; i < 160; ++i) {
        shifts += found[i].type == Type::level_shift ? 1 : 0;
        late += i > 110 && found[i].is_anomaly ? 1 : 0;
    }
    EXPECT_EQ(shifts, 1);
    EXPECT_EQ(found[104].type, Type::level_shift);
    EXPECT_EQ(late, 0);
}

TEST(Robust, ASlowDriftIsFoundByTheEvidenceOfDays) {
    auto points = weekly_series(140, 10000, 0.05, 10);
    for (int i = 100; i < 112; ++i) points[i].value *= 1 - 0.13;  // less than three sigmas each day
    const auto found = verdicts(points);
    bool drift = false;
    for (int i = 100; i < 112; ++i) drift = drift || found[i].type == Type::drift;
    EXPECT_TRUE(drift);
}

TEST(Robust, AnOpenPeriodIsSkippedOrComparedAndNeverLearnt) {
    auto points = weekly_series(100, 10000, 0.04, 11);
    State state = make_state({});
    for (int i = 0; i < 99; ++i) observe(state, points[i]);
    Point open = points[99];
    const double whole = open.value;
    open.fraction = 0.4;
    open.value = 0.4 * whole;
    State before = state;
    EXPECT_EQ(observe(state, open).type, Type::partial);
    EXPECT_EQ(std::memcmp(&state, &before, sizeof state), 0);

    state.options.partial = Partial::compare;
    before = state;
    const Verdict fine = observe(state, open);
    EXPECT_FALSE(fine.is_anomaly);
    EXPECT_NEAR(fine.expected, open.value, 0.2 * open.value);
    open.value = 0.05 * whole;
    EXPECT_TRUE(observe(state, open).is_anomaly);
    EXPECT_EQ(std::memcmp(&state, &before, sizeof state), 0);
    EXPECT_FALSE(
        observe(state, points[99]).is_anomaly);  // and the same period again, when it is over
}

TEST(Robust, ACalendarDayIsNotAnAlarmAndItsEffectIsLearnt) {
    auto points = weekly_series(420, 10000, 0.04, 12);
    for (int i = 60; i < 420; i += 60) {
        points[i].value *= 0.5;
        points[i].event = 77;
        points[i].effect = Effect::widen;
    }
    const auto found = verdicts(points);
    for (int i = 60; i < 420; i += 60) EXPECT_FALSE(found[i].is_anomaly) << i;
    EXPECT_FALSE(found[61].is_anomaly);
    const double first = points[60].value / found[60].expected;
    const double last = points[360].value / found[360].expected;
    EXPECT_LT(first, 0.6);
    EXPECT_GT(last, 0.75);
    points[360].value *= 4;  // a day that is usually half and is now double
    EXPECT_TRUE(verdicts(points)[360].is_anomaly);
    points[360].effect = Effect::ignore;
    EXPECT_FALSE(verdicts(points)[360].is_anomaly);
    points[360].value /= 4;
    points[360].effect = Effect::annotate;  // named, but judged as any day
    EXPECT_TRUE(verdicts(points)[360].is_anomaly);
}

TEST(Robust, LooksOnlyWhereItIsTold) {
    auto points = weekly_series(100, 1000, 0.04, 13);
    points[90].value *= 3;
    Options options;
    options.direction = Direction::down;
    EXPECT_FALSE(verdicts(points, options)[90].is_anomaly);
    options.direction = Direction::up;
    EXPECT_TRUE(verdicts(points, options)[90].is_anomaly);
}

TEST(Robust, WhatIsNotANumberIsAMissingPeriod) {
    auto points = weekly_series(100, 1000, 0.04, 14);
    const auto clean = verdicts(points);
    for (double bad : {kMissing, kInf, -kInf, 1e200}) {
        auto dirty = points;
        dirty[50].value = bad;
        auto without = points;
        without.erase(without.begin() + 50);
        const auto found = verdicts(dirty), gap = verdicts(without);
        EXPECT_EQ(found[50].type, Type::missing);
        EXPECT_FALSE(found[50].is_anomaly);
        EXPECT_EQ(found[99].score, gap[98].score);
    }
    auto none = points;
    none[50].denominator = 0;
    EXPECT_EQ(verdicts(none)[50].type, Type::missing);
}

TEST(Robust, ConstantSeriesAreCalmUntilTheyMove) {
    for (double level : {0.0, 5.0, -3.0, 1e12}) {
        std::vector<Point> points;
        for (int i = 0; i < 100; ++i) points.push_back({i, level, kMissing, 1, 0, Effect::none});
        points[90].value = level + std::max(1.0, std::fabs(level)) * 20;
        const auto found = verdicts(points);
        for (int i = 0; i < 90; ++i) EXPECT_FALSE(found[i].is_anomaly) << level << " at " << i;
        EXPECT_TRUE(found[90].is_anomaly) << level;
        EXPECT_TRUE(std::isfinite(found[90].score));
    }
}

TEST(Robust, NegativeAmountsHaveAScaleToo) {
    std::mt19937_64 random(15);
    std::normal_distribution<double> normal;
    std::vector<Point> points;
    for (int i = 0; i < 120; ++i)
        points.push_back({i, -50 + 10 * normal(random), kMissing, 1, 0, Effect::none});
    points[110].value = 40;
    const auto found = verdicts(points);
    EXPECT_TRUE(found[110].is_anomaly);
    EXPECT_NEAR(found[110].expected, -50, 10);
    EXPECT_LT(found[110].lower, -50);
}

TEST(Robust, OnePointAndNoPointAreNoProblem) {
    State state = make_state({});
    EXPECT_EQ(observe(state, Point{}).type, Type::missing);
    Point p;
    p.value = 1;
    EXPECT_EQ(observe(state, p).type, Type::learning);
}

TEST(Robust, PeriodsMustGrow) {
    State state = make_state({});
    Point p;
    p.period = 5;
    p.value = 1;
    observe(state, p);
    try {
        observe(state, p);
        FAIL() << "accepted the same period twice";
    } catch (const Error &e) {
        EXPECT_EQ(e.sqlstate, "22000");
    }
}

TEST(Robust, BadOptionsAreRefused) {
    Options options;
    options.threshold = 0;
    EXPECT_THROW(make_state(options), Error);
    options.threshold = kMissing;
    options.min_history = 1;
    EXPECT_THROW(make_state(options), Error);
}

TEST(Robust, AnHourlyAlarmSilencesWeakerOnesForADay) {
    std::mt19937_64 random(16);
    std::normal_distribution<double> normal;
    std::vector<Point> points;
    for (int i = 0; i < 700; ++i) {
        const double level = 100 + 60 * std::sin(i % 24 / 24.0 * 6.283185307);
        points.push_back({i, level + 3 * normal(random), kMissing, 1, 0, Effect::none});
    }
    Options options;
    options.grain = Frequency::hour;
    points[600].value += 120;
    points[610].value += 40;
    points[680].value += 40;
    const auto found = verdicts(points, options);
    EXPECT_TRUE(found[600].is_anomaly);
    EXPECT_EQ(found[610].type, Type::suppressed);
    EXPECT_FALSE(found[610].is_anomaly);
    EXPECT_TRUE(found[680].is_anomaly);
}

TEST(Robust, AThousandYearsOfDaysKeepTheirPrecision) {
    State state = make_state({});
    std::mt19937_64 random(17);
    std::poisson_distribution<int> poisson(200);
    double worst = 0;
    for (int i = 0; i < 365000; ++i) {
        Point p;
        p.period = i;
        p.value = poisson(random);
        const Verdict v = observe(state, p);
        if (i > 100) worst = std::max(worst, std::fabs(v.expected - 200));
    }
    EXPECT_LT(worst, 60);
    EXPECT_TRUE(std::isfinite(state.season_mean));
}

}  // namespace
}  // namespace kpi::detect
