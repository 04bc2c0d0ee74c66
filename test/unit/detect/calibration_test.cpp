// The promises about p: calibrated for calm and spiky noise, and false alarms under
// Benjamini-Hochberg as asked.
#include "detect/calibration.hpp"

#include <gtest/gtest.h>

#include "detect/segments.hpp"
#include "detect/tails.hpp"
#include "series.hpp"

namespace kpi::detect {
namespace {

double share_below(double p, const std::vector<std::vector<Point>> &all) {
    double below = 0, counted = 0;
    for (const auto &points : all) {
        for (const Verdict &v : verdicts(points)) {
            if (!std::isfinite(v.p)) continue;
            below += v.p < p ? 1 : 0;
            counted += 1;
        }
    }
    return below / counted;
}

TEST(Calibration, AboutOnePointInAHundredIsBelowOnePerCent) {
    std::vector<std::vector<Point>> calm, counts, spiky;
    for (std::uint64_t s = 0; s < 60; ++s) {
        calm.push_back(weekly_series(400, 5000, 0.1, s));
        counts.push_back(poisson_series(400, 300, s));
        std::mt19937_64 random(s);
        std::student_t_distribution<double> heavy(5);
        auto wild = weekly_series(400, 5000, 0.0, s);
        for (Point &p : wild) p.value *= std::exp(0.05 * std::clamp(heavy(random), -30.0, 30.0));
        spiky.push_back(wild);
    }
    for (const auto *all : {&calm, &counts, &spiky}) {
        const double share = share_below(0.01, *all);
        EXPECT_GT(share, 0.004);
        EXPECT_LT(share, all == &spiky ? 0.025 : 0.02);
    }
}

TEST(Calibration, ASpikySeriesEarnsItsOwnTail) {
    Calibration calm = make_calibration(1.1, 2.3), spiky = calm;
    for (int i = 0; i < 1000; ++i) {
        learn(calm, std::log(0.2 + i % 100 * 0.02));
        learn(spiky, std::log(i % 20 == 0 ? 12.0 : 0.2 + i % 100 * 0.02));
    }
    EXPECT_LT(p_of(calm, std::log(5.0)), 1e-4);
    EXPECT_GT(p_of(spiky, std::log(5.0)), 3e-3);
}

TEST(Calibration, PFallsAsTheScoreGrows) {
    const Calibration c = make_calibration(1.1, 2.3);
    double last = 1.1;
    for (double score = 0.01; score < 2000; score *= 1.3) {
        const double p = p_of(c, std::log(score));
        EXPECT_LE(p, last);
        EXPECT_GT(p, 0);
        last = p;
    }
}

TEST(Segments, FalseAlarmsStayAsRareAsAskedFor) {
    // 1000 segments, 50 of them down by a third on the last day: at q = 0.1 at most 15 % of the
    // alarms are false.
    double found = 0, wrong = 0;
    for (int round = 0; round < 3; ++round) {
        std::vector<double> p;
        for (std::uint64_t s = 0; s < 1000; ++s) {
            auto points = poisson_series(90, 150, 1000 * round + s);
            if (s < 50) points.back().value = std::floor(points.back().value * 0.6);
            p.push_back(verdicts(points).back().p);
        }
        const auto flagged = benjamini_hochberg(p, 0.1);
        for (std::size_t s = 0; s < 1000; ++s) {
            found += flagged[s] ? 1 : 0;
            wrong += flagged[s] && s >= 50 ? 1 : 0;
        }
    }
    EXPECT_GT(found, 100);  // of 150
    EXPECT_LE(wrong / found, 0.15);
}

TEST(Segments, BenjaminiHochbergByHand) {
    const std::vector<double> p{0.001, 0.8,   0.039, 0.008, kMissing,
                                0.041, 0.042, 0.06,  0.074, 0.205};
    const std::vector<bool> expected{true,  false, false, true,  false,
                                     false, false, false, false, false};
    EXPECT_EQ(benjamini_hochberg(p, 0.05), expected);
    // A later p below its line rescues the earlier ones: 0.03 <= 0.05 * 2 / 2.
    EXPECT_EQ(benjamini_hochberg(std::vector<double>{0.03, 0.03}, 0.05),
              (std::vector<bool>{true, true}));
    EXPECT_TRUE(benjamini_hochberg({}, 0.05).empty());
}

TEST(Tails, AgreeWithTables) {
    EXPECT_NEAR(normal_upper(1.959963984540054), 0.025, 1e-12);
    EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-9);
    EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-6);
    EXPECT_NEAR(count_z(0, 1, 1), normal_quantile(0.5 * std::exp(-1.0)), 1e-9);
    // P(Y <= 2) - P(Y = 2) / 2 for Poisson 5.
    const double e5 = std::exp(-5.0);
    EXPECT_NEAR(count_z(2, 5, 1), normal_quantile(e5 + 5 * e5 + 12.5 * e5 / 2), 1e-9);
}

TEST(Tails, CountsAreMonotoneAndFiniteFarOut) {
    for (double phi : {1.0, 1.5, 4.0}) {
        for (double mu : {0.02, 0.7, 6.0, 45.0}) {
            double last = -1e9;
            for (double y = 0; y < 3000; y += y < 100 ? 1 : 37) {
                const double z = count_z(y, mu, phi);
                EXPECT_TRUE(std::isfinite(z));
                EXPECT_GE(z, last - 0.7)
                    << mu << " " << y;  // the seam to the far formula may step a little
                last = z;
            }
        }
    }
}

}  // namespace
}  // namespace kpi::detect
