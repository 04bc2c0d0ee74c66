// Small order statistics on plain arrays.
//
// Shapes: the functions reorder their argument and return 0 for an empty one; NaN must be filtered
//         before.
#pragma once

#include <span>

namespace kpi::detect {

double median(std::span<double> values);
// 1.4826 * median absolute deviation from `centre`: the sigma of a normal sample, deaf to half of
// it.
double mad_sigma(std::span<double> values, double centre);
// Quantile by linear interpolation between order statistics (type 7) of an ascending array.
double quantile_sorted(std::span<const double> ascending, double q);

}  // namespace kpi::detect
