#include "web/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace kpi::web {

void log(std::string_view line) {
    std::string text = fmt::format("{:%Y-%m-%d %H:%M:%S} UTC kpi_web: {}\n",
                                   fmt::gmtime(std::time(nullptr)), line);
    // Messages of libpq have several lines; an entry is one.
    std::replace_if(
        text.begin(), text.end() - 1, [](char c) { return c == '\n' || c == '\t'; }, ' ');
    std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace kpi::web
