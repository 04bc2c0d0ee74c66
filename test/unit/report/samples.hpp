// Documents as the reports of an installation fill them, at fixed dates, and those at the edges.
#pragma once

#include "report/document.hpp"

namespace samples {

using kpi::report::Document;
using kpi::report::Language;

// Each with names that try to break out of what they stand in.
Document daily(Language language);
Document weekly(Language language);   // week 53
Document monthly(Language language);  // 13 months, one forecast, month of 28 days
// At the edges: every number NULL; one point; 13 equal months; negative revenue; nothing at all.
Document all_null(Language language);
Document one_point(Language language);
Document flat(Language language);
Document negative(Language language);
Document empty(Language language);
// So many segments over so many days, as data and as one table of a section.
Document large(size_t segments, int days);

}  // namespace samples
