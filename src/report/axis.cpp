#include "report/axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/numbers.hpp"

namespace kpi::report {
namespace {

constexpr double kTicks = 4;

// The power of ten at or below. By multiplication: log10 differs between libraries.
double magnitude(double value) {
    double power = 1;
    while (power > value) power /= 10;
    while (power * 10 <= value) power *= 10;
    return power;
}

// 1, 2, 5 or 10 times a power of ten.
double round_step(double least) {
    const double power = magnitude(least);
    for (const double factor : {1.0, 2.0, 5.0})
        if (power * factor >= least * 0.9999) return power * factor;
    return power * 10;
}

int decimals_of_step(double step) {
    int decimals = 0;
    for (double power = magnitude(step); power < 0.999 && decimals < 9; power *= 10) ++decimals;
    return decimals;
}

}  // namespace

std::optional<Axis> axis_of(const std::vector<Point> &points, Shape shape) {
    std::optional<double> low, high;
    for (const Point &point : points)
        for (const auto *number :
             {&point.value, &point.low, &point.high, &point.before, &point.target})
            if (const auto decimal = finite(*number)) {
                const double value = approximate(*decimal);
                low = std::min(low.value_or(value), value);
                high = std::max(high.value_or(value), value);
            }
    if (!low) return std::nullopt;
    const double spread = *high - *low;
    if (shape == Shape::bars || *low < 2 * spread) low = std::min(*low, 0.0);
    if (shape == Shape::bars || -*high < 2 * spread) high = std::max(*high, 0.0);
    // a flat line: some room on both sides, down to zero if that is near
    if (*high <= *low) {
        const double room = *low == 0 ? 1 : std::fabs(*low) / 10;
        *low -= room;
        *high += room;
    }
    const double step = round_step((*high - *low) / kTicks);
    const auto first = std::floor(*low / step + 1e-9), last = std::ceil(*high / step - 1e-9);
    Axis axis{first * step, last * step, {}};
    const int decimals = decimals_of_step(step);
    for (double i = first; i <= last; ++i)
        axis.ticks.push_back({axis.place(i * step), fmt::format("{:.{}f}", i * step, decimals)});
    return axis;
}

}  // namespace kpi::report
