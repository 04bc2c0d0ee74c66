// One line to standard error, with the time. Never a token, a password or a whole URL.
#pragma once

#include <string_view>

namespace kpi::web {

void log(std::string_view line);

}  // namespace kpi::web
