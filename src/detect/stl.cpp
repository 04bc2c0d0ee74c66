#include "detect/stl.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "detect/numbers.hpp"

namespace kpi::detect {

namespace {

constexpr int kSeasonalSpan = 7;
constexpr int kRobustRounds = 6;  // weights have settled by then on every series tried
constexpr int kInnerRounds = 2;

int next_odd(double x) {
    const int n = static_cast<int>(std::ceil(x));
    return n % 2 == 1 ? n : n + 1;
}

double tricube(double u) {
    if (u >= 1) return 0;
    const double a = 1 - u * u * u;
    return a * a * a;
}

// Local linear fit at position x over the `span` nearest of the n points; weight 0 leaves a point
// out. Where all of them are left out the span doubles; 0 when no point of the whole series counts.
double loess_at(std::span<const double> y, std::span<const double> weight, int span, double x) {
    const int n = static_cast<int>(y.size());
    const int width = std::min(span, n);
    const int left = std::clamp(static_cast<int>(std::lround(x)) - width / 2, 0, n - width);
    double reach = std::max(x - left, left + width - 1 - x);
    if (span > n) reach += (span - n) / 2.0;
    reach = std::max(reach, 1.0) * 1.0001;
    double total = 0, sum_x = 0, sum_y = 0;
    for (int i = left; i < left + width; ++i) {
        const double w = weight[i] * tricube(std::fabs(i - x) / reach);
        total += w;
        sum_x += w * i;
        sum_y += w * y[i];
    }
    if (total <= 0) return span < 2 * n ? loess_at(y, weight, 2 * span, x) : 0;
    const double mean_x = sum_x / total;
    double sxx = 0, sxy = 0;
    for (int i = left; i < left + width; ++i) {
        const double w = weight[i] * tricube(std::fabs(i - x) / reach);
        sxx += w * (i - mean_x) * (i - mean_x);
        sxy += w * (i - mean_x) * y[i];
    }
    const double flat = sum_y / total;
    return sxx > 1e-9 * total ? flat + sxy / sxx * (x - mean_x) : flat;
}

std::vector<double> moving_average(std::span<const double> y, int width) {
    std::vector<double> out;
    double sum = 0;
    for (int i = 0; i < static_cast<int>(y.size()); ++i) {
        sum += y[i];
        if (i >= width) sum -= y[i - width];
        if (i >= width - 1) out.push_back(sum / width);
    }
    return out;
}

struct Work {
    std::span<const double> y;
    int period;
    std::vector<double> present, robustness, trend, seasonal;

    int n() const { return static_cast<int>(y.size()); }
};

// Each cycle-subseries smoothed and extended by one period at both ends: n + 2 periods.
std::vector<double> smooth_cycles(const Work &w) {
    std::vector<double> out(static_cast<std::size_t>(w.n() + 2 * w.period)), sub, weight;
    for (int c = 0; c < w.period; ++c) {
        sub.clear();
        weight.clear();
        for (int i = c; i < w.n(); i += w.period) {
            sub.push_back(w.present[i] > 0 ? w.y[i] - w.trend[i] : 0);
            weight.push_back(w.present[i] * w.robustness[i]);
        }
        const int m = static_cast<int>(sub.size());
        for (int k = -1; k <= m; ++k) {
            const std::size_t place = static_cast<std::size_t>(c + (k + 1) * w.period);
            if (place < out.size()) out[place] = loess_at(sub, weight, kSeasonalSpan, k);
        }
    }
    return out;
}

void inner_round(Work &w) {
    const std::vector<double> cycles = smooth_cycles(w);
    const std::vector<double> ones(static_cast<std::size_t>(w.n()), 1.0);
    auto low = moving_average(moving_average(moving_average(cycles, w.period), w.period), 3);
    low.resize(ones.size());
    const int low_span = next_odd(w.period);
    for (int i = 0; i < w.n(); ++i) {
        w.seasonal[i] = cycles[i + w.period] - loess_at(low, ones, low_span, i);
    }
    std::vector<double> plain(ones.size()), weight(ones.size());
    for (int i = 0; i < w.n(); ++i) {
        plain[i] = w.present[i] > 0 ? w.y[i] - w.seasonal[i] : 0;
        weight[i] = w.present[i] * w.robustness[i];
    }
    const int trend_span = next_odd(1.5 * w.period / (1 - 1.5 / kSeasonalSpan));
    for (int i = 0; i < w.n(); ++i) w.trend[i] = loess_at(plain, weight, trend_span, i);
}

// Bisquare weights of the remainders, six medians wide.
void weigh(Work &w) {
    std::vector<double> size;
    for (int i = 0; i < w.n(); ++i) {
        if (w.present[i] > 0) size.push_back(std::fabs(w.y[i] - w.trend[i] - w.seasonal[i]));
    }
    // Remainders at the level of rounding say nothing about outliers: all of them keep their
    // weight.
    double range = 0;
    for (int i = 0; i < w.n(); ++i) {
        if (w.present[i] > 0) range = std::max(range, std::fabs(w.y[i] - w.trend[0]));
    }
    const double reach = std::max(6 * median(size), 1e-6 * range);
    for (int i = 0; i < w.n(); ++i) {
        if (w.present[i] <= 0) continue;
        const double u = std::fabs(w.y[i] - w.trend[i] - w.seasonal[i]) / std::max(reach, 1e-300);
        w.robustness[i] = u >= 1 ? 0 : (1 - u * u) * (1 - u * u);
    }
}

}  // namespace

Decomposition stl(std::span<const double> values, int period, Fit fit) {
    if (period < 2) throw Error("22023", "period must be at least 2");
    if (values.size() > kMaxValues) throw Error("22023", "too many values to decompose");
    Work w{values,
           period,
           {},
           std::vector<double>(values.size(), 1.0),
           std::vector<double>(values.size(), 0.0),
           std::vector<double>(values.size(), 0.0)};
    std::size_t usable = 0;
    for (double v : values) {
        w.present.push_back(std::isfinite(v) ? 1 : 0);
        usable += std::isfinite(v) ? 1 : 0;
    }
    if (values.size() < 2 * static_cast<std::size_t>(period) ||
        usable < 2 * static_cast<std::size_t>(period)) {
        throw Error("22023", "a decomposition needs at least two full periods of values");
    }
    std::vector<double> known;
    for (double v : values) {
        if (std::isfinite(v)) known.push_back(v);
    }
    w.trend.assign(values.size(),
                   median(known));  // nearer than the zero of the paper, and kind to empty cycles
    const int rounds = fit == Fit::robust ? kRobustRounds : 1;
    for (int r = 0; r < rounds; ++r) {
        if (r > 0) weigh(w);
        for (int k = 0; k < kInnerRounds; ++k) inner_round(w);
    }
    Decomposition d{w.trend, w.seasonal, std::vector<double>(values.begin(), values.end())};
    for (int i = 0; i < w.n(); ++i) d.remainder[i] -= w.trend[i] + w.seasonal[i];
    return d;
}

}  // namespace kpi::detect
