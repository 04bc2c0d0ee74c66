// A document as one HTML page that needs nothing else: style sheet and charts are in it, no script,
// no font, no address is loaded. Light and dark by the reader's choice, for paper A4, from 360
// pixels on. Everything a name could break is escaped (markup.hpp).
#pragma once

#include <string>

#include "report/document.hpp"

namespace kpi::report {

// A table shows at most 500 rows and says how many more there are.
// Errors: those of sentence(); 22023 for a metric that the document does not have, 22P02 and 22007
// for cells that are not of their type.
std::string html(const Document &document);

// For the body of a mail: the same in the HTML that mail programs know, styles in the elements, no
// SVG, at most kMostMailBytes: what does not fit is left out, which it says.
constexpr size_t kMostMailBytes = 100'000;
std::string mail_html(const Document &document);

}  // namespace kpi::report
