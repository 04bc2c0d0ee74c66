// What each kind of report says. Needs an open Spi and the snapshot of its numbers; reads as the
// current role. A function of the numbers, the calendar and the incidents that are over: no clock.
#pragma once

#include "report/document.hpp"
#include "reporting/edition.hpp"
#include "reporting/scope.hpp"

namespace kpi::reporting {

// The last day against its weekday a week before and a usual week, and the 30 days up to it.
report::Document daily(const Edition &edition, const Scope &scope);
// Seven days against the same weekdays of the four weeks before, and the week before.
report::Document weekly(const Edition &edition, const Scope &scope);
// A month against the one before and the same of last year; 13 months; a forecast; a summary.
report::Document monthly(const Edition &edition, const Scope &scope);

// The rows of a user's own SELECT, run as the current role, who owns it: read-only, within
// kpi.check_timeout. Errors: those of the statement; 54000 when it takes too long or returns more
// than it may.
report::Document own(const Edition &edition, const Scope &scope);
// Of such a document what people see: its rows are a section, too.
report::Document with_rows(const report::Document &document);
// The day of the report that is being made now; else yesterday.
Date report_day();

}  // namespace kpi::reporting
