// Many segments at once: which of their p-values to believe (Benjamini, Hochberg 1995).
//
// Units:  p in [0, 1]; NaN = no verdict, never rejected and not counted. q = share of false alarms
//         among alarms that is acceptable, in (0, 1).
// Errors: 22023 when q is out of range.
#pragma once

#include <span>
#include <vector>

namespace kpi::detect {

std::vector<bool> benjamini_hochberg(std::span<const double> p, double q);

}  // namespace kpi::detect
