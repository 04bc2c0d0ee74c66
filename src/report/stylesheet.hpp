// The style sheet of a page.
#pragma once

#include <string_view>

namespace kpi::report {

extern const std::string_view kStylesheet;

}  // namespace kpi::report
