// The cells of a season: which earlier periods a period is like.
//
// Shapes: daily series have 7 cells (Monday = 0); hourly series 72 (hour of day x {working day,
//         Saturday, Sunday}); other grains have one. Periods may be negative (before 1970).
#pragma once

#include <cstdint>

#include "detect/types.hpp"

namespace kpi::detect {

inline constexpr int kMaxCells = 72;

int cell_count(Frequency grain);
int cell_of(Frequency grain, std::int64_t period);
// Periods in one turn of the season: 7 days, 24 hours, 1.
int season_length(Frequency grain);

}  // namespace kpi::detect
