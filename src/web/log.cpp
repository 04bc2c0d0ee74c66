#include "web/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdio>
#include <ctime>

namespace kpi::web {

void log(std::string_view line) {
    const std::string text = fmt::format("{:%Y-%m-%d %H:%M:%S} UTC kpi_web: {}\n",
                                         fmt::gmtime(std::time(nullptr)), line);
    std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace kpi::web
