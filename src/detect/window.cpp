#include "detect/window.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "detect/numbers.hpp"

namespace kpi::detect {

namespace {

constexpr double kRounding =
    1e-9;  // share of a value below which differences are rounding, not noise

void replace_sorted(std::span<double> sorted, std::int32_t size, double old, double value) {
    double *begin = sorted.data(), *end = begin + size;
    double *from = std::lower_bound(begin, end, old);
    double *to = std::lower_bound(begin, end, value);
    if (to > from) {
        std::move(from + 1, to, from);
        *(to - 1) = value;
    } else {
        std::move_backward(to, from, from + 1);
        *to = value;
    }
}

void insert_sorted(std::span<double> sorted, std::int32_t size, double value) {
    double *begin = sorted.data(), *end = begin + size;
    double *to = std::lower_bound(begin, end, value);
    std::move_backward(to, end, end + 1);
    *to = value;
}

void sum_afresh(Window &w, std::span<const double> ring) {
    w.mean = w.squares = 0;
    for (std::int32_t i = 0; i < w.size; ++i) w.mean += ring[i] / w.size;
    for (std::int32_t i = 0; i < w.size; ++i) {
        w.squares += (ring[i] - w.mean) * (ring[i] - w.mean);
    }
}

}  // namespace

double in_sigmas(double off, double sigma, double near) {
    const double least = kRounding * std::fabs(near);
    if (sigma > least) return std::clamp(off / sigma, -kImpossible, kImpossible);
    return std::fabs(off) <= least ? 0 : off > 0 ? kImpossible : -kImpossible;
}

void push(Window &w, Memory memory, double value) {
    if (w.size < w.capacity) {
        if (!memory.ascending.empty()) insert_sorted(memory.ascending, w.size, value);
        ++w.size;
        const double off = value - w.mean;
        w.mean += off / w.size;
        w.squares += off * (value - w.mean);
    } else {
        const double old = memory.ring[w.next];
        if (!memory.ascending.empty()) replace_sorted(memory.ascending, w.size, old, value);
        const double before = w.mean;
        w.mean += (value - old) / w.size;
        w.squares += (value - old) * (value - w.mean + old - before);
        w.squares = std::max(w.squares, 0.0);
    }
    memory.ring[w.next] = value;
    w.next = w.next + 1 == w.capacity ? 0 : w.next + 1;
    if (w.next == 0) sum_afresh(w, memory.ring);
}

double standard_deviation(const Window &w) {
    return w.size < 2 ? 0 : std::sqrt(w.squares / (w.size - 1));
}

double quantile_of(const Window &w, Memory memory, double q) {
    return quantile_sorted(memory.ascending.first(static_cast<std::size_t>(w.size)), q);
}

double median_of(const Window &w, Memory memory) { return quantile_of(w, memory, 0.5); }

double sigma_of(const Window &w, Memory memory) {
    // Deviations from the median grow from the middle outwards on both sides: a merge finds their
    // median.
    const std::span<const double> v = memory.ascending.first(static_cast<std::size_t>(w.size));
    if (v.empty()) return 0;
    const double centre = quantile_sorted(v, 0.5);
    std::ptrdiff_t high = std::lower_bound(v.begin(), v.end(), centre) - v.begin(), low = high - 1;
    const auto n = static_cast<std::ptrdiff_t>(v.size());
    double last = 0, previous = 0;
    for (std::ptrdiff_t taken = 0; taken <= n / 2; ++taken) {
        const bool up = low < 0 || (high < n && v[high] - centre <= centre - v[low]);
        previous = last;
        last = up ? v[high++] - centre : centre - v[low--];
    }
    return 1.4826 * (n % 2 == 1 ? last : 0.5 * (last + previous));
}

std::optional<double> zscore(const Window &w, double value) {
    if (w.size < 2) return std::nullopt;
    return in_sigmas(value - w.mean, standard_deviation(w), w.mean);
}

std::optional<double> robust_z(const Window &w, Memory memory, double value) {
    if (w.size < 2) return std::nullopt;
    const double centre = median_of(w, memory);
    return in_sigmas(value - centre, sigma_of(w, memory), centre);
}

std::optional<double> ratio(const Window &w, double value) {
    if (w.size < 1 || w.mean == 0) return std::nullopt;
    return value / w.mean;
}

std::optional<double> percentile_band(const Window &w, Memory memory, double value, double lo,
                                      double hi) {
    if (w.size < 2) return std::nullopt;
    const double lower = quantile_of(w, memory, lo), upper = quantile_of(w, memory, hi);
    if (value >= lower && value <= upper) return 0;
    return in_sigmas(value < lower ? value - lower : value - upper, upper - lower, upper);
}

}  // namespace kpi::detect
