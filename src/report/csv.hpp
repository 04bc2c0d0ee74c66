// A table as CSV (RFC 4180): UTF-8 without a mark, lines end CR LF, the first has the names of the
// columns. Quoted is only what must be.
//
// Numbers are written digit by digit as they came; NULL, NaN and infinities are empty fields, an
// empty text is "". A text that a spreadsheet would take for a formula (= + - @, a tab or a
// carriage return in front, also after spaces) gets an apostrophe in front. Dates and numbers are
// checked for being such and never do: -12.5 stays a number.
#pragma once

#include <string>
#include <string_view>

#include "report/table.hpp"

namespace kpi::report {

// What a spreadsheet would take for a formula.
bool is_formula(std::string_view text);

// Errors: 22P02 and 22007 for a cell that is not of its column's type.
std::string csv(const Table &table, const Breathe &breathe = {});

}  // namespace kpi::report
