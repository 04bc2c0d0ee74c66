// Seasonal-trend decomposition by loess.
//
// Purpose: value = trend + seasonal + remainder for a regular series; the robust form hardly sees
//          outliers.
// Source:  Cleveland, Cleveland, McRae, Terpenning 1990. Spans: seasonal 7 cycles, trend the next
//          odd number above 1.5 period / (1 - 1.5 / 7), low-pass the next odd number above the
//          period; all loess of degree 1.
// Shapes:  n values in time order, gaps as NaN (they get weight 0); three arrays of n come back.
// Errors:  22023 when period < 2, when there are fewer than two periods of values, or more than
//          kMaxValues of them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace kpi::detect {

inline constexpr std::size_t kMaxValues = 100000;

struct Decomposition {
    std::vector<double> trend, seasonal, remainder;
};

enum class Fit { plain, robust };

Decomposition stl(std::span<const double> values, int period, Fit fit);

}  // namespace kpi::detect
