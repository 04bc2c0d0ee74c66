// What the kinds of reports have in common. Needs what contents.hpp needs.
#pragma once

#include <string_view>

#include "reporting/edition.hpp"
#include "reporting/figures.hpp"

namespace kpi::reporting {

// Name, title, language and period.
report::Document heading(const Edition &edition, std::string_view title);
// With metrics and definitions too.
report::Document begin(const Edition &edition, const Scope &scope, std::string_view title);
report::Phrase phrase(std::string_view key);
report::Severity severity(const std::string &word);  // as in kpi.incident
// A metric over the buckets of a series, named by its title.
report::Chart chart(const std::string &metric, const Series &series, report::Scale scale);
// A column a metric, a row a bucket.
report::Table data(const Scope &scope, const Series &series);
// What fired between the days, as it was known at the end of the last: what ended later was open.
// Nothing of it that changes while an incident goes on.
report::Section incidents(Date from, Date to);
// The name of the zone that the days are of.
std::string zone();
// There.
Date yesterday();
// The first metric that adds up; else the first.
std::string headline_metric(const Scope &scope, const std::map<std::string, Total> &totals);

}  // namespace kpi::reporting
