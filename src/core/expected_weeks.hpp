// What an open day or week has by now is compared with so many of its kind.
#pragma once

namespace kpi {

constexpr int kExpectedWeeks = 8;

// Days that are no older are none of the weeks before, in any zone: what is kept of past days is
// not touched by their changes.
constexpr int kYoungDays = 3;

}  // namespace kpi
