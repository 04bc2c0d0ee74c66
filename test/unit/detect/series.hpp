// Made-up series for the tests of src/detect: exact for a seed, so every test is exact.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "detect/robust.hpp"

namespace kpi::detect {

// `days` daily points about `mean` with a weekly season and normal noise of `sd` (share of the
// mean).
inline std::vector<Point> weekly_series(int days, double mean, double sd, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::vector<Point> out;
    for (int i = 0; i < days; ++i) {
        Point p;
        p.period = 20000 + i;
        const double season = i % 7 >= 5 ? 0.6 : 1.0 + 0.05 * (i % 7);
        p.value = mean * season * std::exp(sd * normal(random));
        out.push_back(p);
    }
    return out;
}

inline std::vector<Point> poisson_series(int days, double mean, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::poisson_distribution<int> poisson(mean);
    std::vector<Point> out;
    for (int i = 0; i < days; ++i) {
        Point p;
        p.period = i;
        p.value = poisson(random);
        out.push_back(p);
    }
    return out;
}

inline std::vector<Verdict> verdicts(const std::vector<Point> &points,
                                     const Options &options = {}) {
    State state = make_state(options);
    std::vector<Verdict> out;
    for (const Point &p : points) out.push_back(observe(state, p));
    return out;
}

}  // namespace kpi::detect
