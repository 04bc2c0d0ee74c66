#include "detect/types.hpp"

#include <cmath>

#include "core/error.hpp"

namespace kpi::detect {

bool is_usable(const Point &point) {
    if (!(std::fabs(point.value) <= kLargest)) return false;  // also false for NaN
    return !(point.denominator <= 0) && !std::isinf(point.denominator);
}

bool on_watched_side(Direction direction, double deviation) {
    if (direction == Direction::up) return deviation > 0;
    if (direction == Direction::down) return deviation < 0;
    return true;
}

void check(const Options &options) {
    if (options.threshold <= 0) {
        throw Error("22023", "threshold must be greater than zero", {},
                    "Leave it out for the default of the method.");
    }
    if (options.min_history < 2 || options.min_history > 10000) {
        throw Error("22023", "min_history must be between 2 and 10000 periods");
    }
}

}  // namespace kpi::detect
