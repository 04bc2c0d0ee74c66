// The future by the default detector's state: point forecasts with intervals.
//
// Source: damped trend (Gardner 1985); variance of h steps by the innovations form, own (1 + sum of
//         squared gains) (Hyndman, Koehler, Ord, Snyder 2008, class 1).
// Shapes: one row a period after the last one seen, horizon 1 to kMaxHorizon.
// Errors: 22023 for a horizon or coverage out of range; 55000 while the state is still learning.
#pragma once

#include <cstdint>
#include <vector>

#include "detect/robust.hpp"

namespace kpi::detect {

inline constexpr int kMaxHorizon = 1000;

struct Outlook {
    std::int64_t period = 0;
    double expected = 0, lower = 0, upper = 0;
};

// coverage: chance that a period falls between lower and upper, in (0, 1).
std::vector<Outlook> forecast(const State &s, int horizon, double coverage);

}  // namespace kpi::detect
