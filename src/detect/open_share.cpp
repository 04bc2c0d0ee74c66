#include "detect/open_share.hpp"

#include <algorithm>
#include <cmath>

namespace kpi::detect {

namespace {

// A usual period is the middle one of about eight: it stands for as many.
constexpr double kPeriods = 8;
// Events that the borrowed share is worth.
constexpr double kPriorEvents = 100;
constexpr double kLeast = 1e-6;

double shrunken(const UsualPeriod &usual, double prior) {
    if (!std::isfinite(usual.so_far) || !std::isfinite(usual.whole) || usual.whole <= 0)
        return prior;
    const double share = std::clamp(usual.so_far / usual.whole, 0.0, 1.0);
    const double weight = kPeriods * usual.whole;
    return (weight * share + kPriorEvents * prior) / (weight + kPriorEvents);
}

}  // namespace

double open_share(const UsualPeriod &own, const UsualPeriod &pooled, double elapsed) {
    return std::clamp(shrunken(own, shrunken(pooled, elapsed)), kLeast, 1.0);
}

}  // namespace kpi::detect
