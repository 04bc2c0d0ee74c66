// What the values of a measure may be.
#pragma once

#include <cstdint>

namespace kpi {

// integer: smallint, integer, bigint: no NaN, no infinity
enum class MeasureKind : uint8_t { integer, numeric };

}  // namespace kpi
