// Texts of the database as every format can hold them.
#pragma once

#include <string>
#include <string_view>

namespace kpi {

bool is_utf8(std::string_view text);
// Valid UTF-8 without control characters but tab, line feed and carriage return: whatever else
// there is becomes U+FFFD. HTML, JSON and xlsx have no way to write it.
std::string clean(std::string_view text);
// The first so many characters, the last of them "…" when there are more.
std::string clipped(std::string_view text, size_t characters);

}  // namespace kpi
