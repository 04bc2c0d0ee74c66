// Text as XML and HTML hold it: nothing in it is markup any more. What no XML can hold (control
// characters) is not looked at, see clean() in utf8.hpp.
#pragma once

#include <string>
#include <string_view>

namespace kpi {

// & < > as entities: what stands between tags, and what Slack needs.
std::string markup_escaped(std::string_view text);
// Quotes of both kinds too: what stands in an attribute, or anywhere.
std::string attribute_escaped(std::string_view text);

}  // namespace kpi
