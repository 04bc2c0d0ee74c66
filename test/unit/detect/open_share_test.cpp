// The open day: what small segments borrow, and how often nothing unusual is called unusual.
#include "detect/open_share.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "detect/robust.hpp"

namespace {

using namespace kpi::detect;

constexpr int kSegments = 24, kDays = 70;

TEST(OpenShare, IsTheOwnOneOfABusySegmentAndBorrowedByASmallOne) {
    const double none = std::nan("");
    EXPECT_NEAR(open_share({300, 1000}, {50, 100}, 0.5), 0.3, 0.01);
    EXPECT_NEAR(open_share({0, 5}, {300, 1000}, 0.5), 0.22, 0.03);  // 40 events against 100
    EXPECT_NEAR(open_share({0, 0}, {300, 1000}, 0.5), 0.3, 0.01);   // none against 100
    EXPECT_NEAR(open_share({none, none}, {none, none}, 0.25), 0.25, 1e-9);
    EXPECT_NEAR(open_share({0, 0}, {0, 0}, 0.25), 0.25, 1e-9);
    EXPECT_LE(open_share({9, 3}, {9, 3}, 1), 1);
    EXPECT_GT(open_share({0, 1e9}, {0, 1e9}, 0), 0);
}

double middle(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t n = values.size();
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// Share of a day over by the end of each hour.
std::array<double, 25> shape_of_day(bool flat) {
    std::array<double, 25> share{};
    double sum = 0;
    for (int h = 0; h < 24; ++h) {
        const double weight = flat ? 1 : 0.05 + std::exp(-0.5 * std::pow((h - 18) / 3.0, 2));
        sum += weight;
        share[h + 1] = sum;
    }
    for (double &s : share) s /= sum;
    return share;
}

struct World {
    // counts[segment][day][hour]: events up to the end of that hour
    std::vector<std::vector<std::array<double, 25>>> counts;

    World(double a_day, bool flat, unsigned seed) {
        std::mt19937 random(seed);
        const auto share = shape_of_day(flat);
        counts.resize(kSegments);
        for (auto &segment : counts)
            for (int d = 0; d < kDays; ++d) {
                std::array<double, 25> day{};
                for (int h = 0; h < 24; ++h)
                    day[h + 1] = day[h] + std::poisson_distribution<int>(
                                              a_day * (share[h + 1] - share[h]))(random);
                segment.push_back(day);
            }
    }

    // As kpi.query does: the middle of the same weekdays of eight weeks, and of four.
    UsualPeriod usual(int segment, int hour) const {
        std::vector<double> so_far, whole;
        for (int week = 1; week <= 8; ++week) {
            double by_now = 0, all = 0;
            for (int s = 0; s < kSegments; ++s) {
                if (segment >= 0 && s != segment) continue;
                by_now += counts[s][kDays - 1 - 7 * week][hour];
                all += counts[s][kDays - 1 - 7 * week][24];
            }
            so_far.push_back(by_now);
            if (week <= 4) whole.push_back(all);
        }
        return {middle(so_far), middle(whole)};
    }

    Verdict judge(int segment, int hour, double value) const {
        Options options;
        options.kind = Kind::count;
        options.partial = Partial::compare;
        State state = make_state(options);
        for (int d = 0; d + 1 < kDays; ++d) observe(state, {d, counts[segment][d][24]});
        Point now{kDays - 1, value};
        now.fraction = open_share(usual(segment, hour), usual(-1, hour), hour / 24.0);
        return observe(state, now);
    }
};

class OpenDay : public ::testing::TestWithParam<std::tuple<double, bool>> {};

TEST_P(OpenDay, WithNothingUnusualStaysWithinItsP) {
    const auto [a_day, flat] = GetParam();
    for (int hour = 1; hour < 24; ++hour) {
        int tests = 0, rare = 0, flagged = 0;
        for (unsigned seed = 1; seed <= 12; ++seed) {
            const World world(a_day, flat, seed);
            for (int s = 0; s < kSegments; ++s) {
                const Verdict v = world.judge(s, hour, world.counts[s][kDays - 1][hour]);
                ++tests;
                rare += v.p < 0.01 ? 1 : 0;
                flagged += v.is_anomaly ? 1 : 0;
            }
        }
        // Of 288 verdicts 2.9 are below 0.01 by chance; more than 9 come once in a thousand hours.
        EXPECT_LE(rare, 9) << "hour " << hour << ", " << rare << " of " << tests;
        EXPECT_LE(flagged, 3) << "hour " << hour;
    }
}
INSTANTIATE_TEST_SUITE_P(Volumes, OpenDay,
                         ::testing::Combine(::testing::Values(0.5, 5.0, 500.0), ::testing::Bool()));

TEST(OpenDayPower, AnOutageOrAFloodIsSeen) {
    int outages = 0, floods = 0, small_floods = 0;
    for (unsigned seed = 1; seed <= 20; ++seed) {
        const World busy(500, true, seed), small(5, true, seed);
        const double six = busy.counts[0][kDays - 1][6];
        outages += busy.judge(0, 12, six).is_anomaly ? 1 : 0;  // nothing since six o'clock
        floods += busy.judge(0, 12, 2 * busy.counts[0][kDays - 1][12]).is_anomaly ? 1 : 0;
        small_floods += small.judge(0, 12, 16).is_anomaly ? 1 : 0;  // of 2.5
    }
    EXPECT_GE(outages, 19);
    EXPECT_GE(floods, 19);
    EXPECT_GE(small_floods, 19);
}

}  // namespace
