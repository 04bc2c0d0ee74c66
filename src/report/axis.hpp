// The scale of a chart: from numbers to places between 0 (bottom) and 1 (top), with round ticks.
#pragma once

#include <optional>
#include <vector>

#include "report/document.hpp"

namespace kpi::report {

struct Tick {
    double place = 0;
    Decimal value;
};

struct Axis {
    double low = 0, high = 1;
    std::vector<Tick> ticks;

    double place(double value) const { return (value - low) / (high - low); }
};

// Of all numbers in the points. Zero is on it where it would take less than two thirds of the room,
// and always for bars. nullopt: there is no number.
std::optional<Axis> axis_of(const std::vector<Point> &points, Shape shape);

}  // namespace kpi::report
