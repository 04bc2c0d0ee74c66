// Texts of the form that AWS's credentials and config files have.
//   [section]
//   key = value          ; a line that begins with # or ; is a comment
// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
#pragma once

#include <string>
#include <string_view>

namespace kpi {

// The value of a key in a section, without the blanks around it; the last one when there are
// several, empty when there is none. Names are compared as they stand.
std::string ini_value(std::string_view text, std::string_view section, std::string_view key);

}  // namespace kpi
