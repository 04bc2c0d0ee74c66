// Level shifts of a whole series, looked at afterwards.
//
// Purpose: where a series moved to another level and stayed there; single outliers are no shifts.
// Source:  optimal partitioning with pruning (PELT: Killick, Fearnhead, Eckley 2012) of the running
//          median of five, squared loss, penalty 8 sigma^2 log n a shift; sigma from the
//          differences of neighbours.
// Shapes:  values in time order; values that are not finite are skipped. At least five values a
//          level.
// Units:   before and after are medians in the series' unit, size = |after - before| / sigma.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace kpi::detect {

struct LevelShift {
    std::size_t index = 0;  // position in `values` of the first value on the new level
    double before = 0, after = 0, size = 0;
};

std::vector<LevelShift> level_shifts(std::span<const double> values);

}  // namespace kpi::detect
