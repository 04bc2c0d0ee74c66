// What the values of a measure may be.
#pragma once

#include <cstdint>

namespace kpi {

// integer: smallint, integer, bigint: no NaN, no infinity
enum class MeasureKind : uint8_t { integer, numeric };

// A counted measure does not add up: the values of its column are kept, each with the number of its
// rows. At most so many of a source: their numbers are the bits of a rollup's level above those of
// the dimensions.
inline constexpr int kMaxCounted = 7;
inline constexpr int kDimensionBits = 12;

}  // namespace kpi
