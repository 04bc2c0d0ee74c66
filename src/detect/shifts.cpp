#include "detect/shifts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "detect/numbers.hpp"

namespace kpi::detect {

namespace {

constexpr int kShortest = 5;
constexpr double kPenalty = 8;
constexpr double kLeastSize = 2;  // sigmas: smaller steps are drift, not shifts

struct Series {
    std::vector<double> values, smooth;
    std::vector<std::size_t> index;
    double sigma = 0;
};

Series prepare(std::span<const double> raw) {
    Series s;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (!std::isfinite(raw[i])) continue;
        s.values.push_back(raw[i]);
        s.index.push_back(i);
    }
    std::vector<double> work;
    for (std::size_t i = 1; i < s.values.size(); ++i) {
        work.push_back(s.values[i] - s.values[i - 1]);
    }
    s.sigma = mad_sigma(work, 0) / std::sqrt(2.0);
    const auto n = static_cast<std::ptrdiff_t>(s.values.size());
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        const auto from = std::max<std::ptrdiff_t>(i - 2, 0), to = std::min(i + 3, n);
        work.assign(s.values.begin() + from, s.values.begin() + to);
        s.smooth.push_back(median(work));
    }
    return s;
}

// Ends of the levels, in order, the last one being n.
std::vector<int> partition(const Series &s) {
    const int n = static_cast<int>(s.smooth.size());
    std::vector<double> sum(n + 1, 0.0), square(n + 1, 0.0);
    const double origin = s.smooth[0];  // keeps the squares small
    for (int i = 0; i < n; ++i) {
        const double v = (s.smooth[i] - origin) / s.sigma;
        sum[i + 1] = sum[i] + v;
        square[i + 1] = square[i] + v * v;
    }
    const auto cost = [&](int from, int to) {
        const double t = sum[to] - sum[from];
        return square[to] - square[from] - t * t / (to - from);
    };
    const double penalty = kPenalty * std::log(static_cast<double>(n));
    std::vector<double> best(n + 1, std::numeric_limits<double>::infinity());
    std::vector<int> last(n + 1, 0), alive{0}, kept;
    best[0] = -penalty;
    for (int to = kShortest; to <= n; ++to) {
        for (int from : alive) {
            if (to - from < kShortest) continue;
            const double c = best[from] + cost(from, to) + penalty;
            if (c < best[to]) {
                best[to] = c;
                last[to] = from;
            }
        }
        kept.clear();
        for (int from : alive) {
            if (to - from < kShortest || best[from] + cost(from, to) <= best[to])
                kept.push_back(from);
        }
        alive.swap(kept);
        if (to - kShortest + 1 >= kShortest) alive.push_back(to - kShortest + 1);
    }
    std::vector<int> ends;
    for (int at = n; at > 0; at = last[at]) ends.push_back(at);
    std::reverse(ends.begin(), ends.end());
    return ends;
}

}  // namespace

std::vector<LevelShift> level_shifts(std::span<const double> values) {
    Series s = prepare(values);
    std::vector<LevelShift> out;
    if (s.values.size() < 2 * kShortest) return out;
    if (s.sigma <= 0) {
        // More than half of the steps are zero: any lasting step is a shift, however small.
        const auto [low, high] = std::minmax_element(s.values.begin(), s.values.end());
        s.sigma = std::max((*high - *low) * 1e-3, 1e-300);
    }
    const std::vector<int> ends = partition(s);
    const auto level = [&](int from, int to) {
        std::vector<double> part(s.values.begin() + from, s.values.begin() + to);
        return median(part);
    };
    int start = 0;
    for (std::size_t k = 0; k + 1 < ends.size(); ++k) {
        LevelShift shift;
        shift.before = level(start, ends[k]);
        shift.after = level(ends[k], ends[k + 1]);
        shift.size = std::fabs(shift.after - shift.before) / s.sigma;
        shift.index = s.index[static_cast<std::size_t>(ends[k])];
        start = ends[k];
        if (shift.size >= kLeastSize) out.push_back(shift);
    }
    return out;
}

}  // namespace kpi::detect
