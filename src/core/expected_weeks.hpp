// What an open day or week has by now is compared with so many of its kind.
#pragma once

namespace kpi {

constexpr int kExpectedWeeks = 8;

}  // namespace kpi
