// A report as rows of a spreadsheet, for sinks of kind sheets.
#pragma once

#include <string>

#include "report/document.hpp"

namespace kpi::reporting {

// The message that writes the report's table, its names above it, over the range of the sink:
// {"mode": "replace", "values": [...]}. Numbers are numbers, save whole ones that a double cannot
// hold; NULL, NaN and infinities are empty cells; days are texts, YYYY-MM-DD.
// `typed`: the sheet reads cells as if they were typed (value_input USER_ENTERED): what it would
// take for a formula gets an apostrophe in front, which the sheet takes away.
std::string rows_message(const report::Document &document, bool typed);

}  // namespace kpi::reporting
