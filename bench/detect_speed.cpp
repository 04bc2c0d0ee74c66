// Speed of the default detector's kernel, in points a second on one core: median and range of nine
// rounds.
//   usage: bench_detect_speed
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "detect/robust.hpp"

namespace {

using namespace kpi::detect;  // NOLINT: a bench program has no other names

double points_per_second(const std::vector<double> &values, Frequency grain, int length) {
    const auto begin = std::chrono::steady_clock::now();
    double keep = 0;
    Options options;
    options.grain = grain;
    for (std::size_t at = 0; at + length <= values.size(); at += length) {
        State state = make_state(options);
        for (int i = 0; i < length; ++i) {
            Point p;
            p.period = i;
            p.value = values[at + i];
            keep += observe(state, p).score;
        }
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    if (keep < 0) std::puts("");  // keeps the loop alive
    return static_cast<double>(values.size()) / spent.count();
}

void report(const char *name, double mean, double sd, Frequency grain, int length) {
    std::mt19937_64 random(1);
    std::normal_distribution<double> normal(mean, sd);
    std::vector<double> values(400000);
    for (double &v : values) v = std::max(0.0, std::round(normal(random)));
    std::vector<double> rounds;
    for (int i = 0; i < 9; ++i) rounds.push_back(points_per_second(values, grain, length) / 1e6);
    std::sort(rounds.begin(), rounds.end());
    std::printf("| %s | %.1f | %.1f to %.1f |\n", name, rounds[4], rounds[0], rounds[8]);
}

}  // namespace

int main() {
    std::printf("| series | million points/s, median of 9 | range |\n|---|---|---|\n");
    report("1000 daily counts of about 3000, 400 days", 3000, 55, Frequency::day, 400);
    report("1000 daily counts of about 6, 400 days", 6, 2.5, Frequency::day, 400);
    report("200 hourly counts of about 300, 2000 hours", 300, 17, Frequency::hour, 2000);
    report("one daily series of 400,000 days", 3000, 55, Frequency::day, 400000);
    return 0;
}
