// The sentence that goes with a verdict.
//
// Form:   "18,240: expected 31,900 (27,100 to 37,600), -43 %, z -7.4; third low day in a row"
// Shapes: one line, English, no full stop; empty for Type::none.
#pragma once

#include <string>
#include <string_view>

#include "detect/types.hpp"

namespace kpi::detect {

// `event`: name of the calendar entry of the period, or empty.
std::string reason(const Verdict &verdict, double value, Frequency grain, std::string_view event);
// "18,240", "0.0417": four significant digits below 1,000, whole and grouped above.
std::string number(double value);
// The name of a type as SQL shows it: "spike", "level_shift", …
std::string_view type_name(Type type);

}  // namespace kpi::detect
