// The numbers of reports, read through kpi.query as the current role. Needs an open Spi and the
// snapshot that all of a report's numbers are to be of. Errors: those of kpi.query.
//
// Numbers are without zeros at their end, and have at most ten decimals: what a quotient has beyond
// them depends on how its terms came about.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/dates.hpp"
#include "core/table.hpp"
#include "report/document.hpp"
#include "reporting/scope.hpp"

namespace kpi::reporting {

// The last day that is over everywhere the metrics are measured. A source with window capture knows
// the time of its last recompute.
Date last_day(const Scope &scope);
// Errors: 22023 for a later day.
void demand_over(const Scope &scope, Date day);
// What is made by schedule is of yesterday, not of an earlier day once more. Errors: 55000 when a
// source has not been recomputed since.
void demand_fresh(const Scope &scope);

// Every metric by bucket: day or month. All metrics have the same buckets.
struct Series {
    std::vector<Date> buckets;
    std::map<std::string, std::vector<Cell>> values;
};
Series series(const Scope &scope, Date from, Date to, const char *grain);

// A metric over a whole period, and what it is compared with.
struct Total {
    Cell value;
    Cell previous;  // the period before of the same length
    Cell other;  // daily, weekly: a usual period of its length in the four weeks before; monthly:
                 // the month a year earlier
    // Its days add up to it: it grows with the length of a period. A measure that is summed does;
    // of a formula its numbers tell, over the days before too.
    bool adds_up = false;
};
std::map<std::string, Total> totals(const Scope &scope, Date from, Date to, bool is_month);

// What was expected of each day, one a day; empty while there is too little history.
std::vector<std::optional<report::Interval>> expected(const Scope &scope, const std::string &metric,
                                                      Date from, Date to);

// Which part explains a day best.
std::optional<report::Text> why(const Scope &scope, const std::string &metric, Date day,
                                const report::Format &format);

// A metric by a dimension: the leaders, and the rest.
// "country PT, source Direct": of filters as of kpi.query.
std::string filter_words(const std::string &filters);
report::Ranking ranking(const Scope &scope, const std::string &metric, const std::string &dimension,
                        Date from, Date to);

// Monday to Friday, without holidays of the whole calendar.
struct WorkingDays {
    int64_t days = 0, days_before = 0;  // of the month, and of the one before
    bool has_holidays = false;          // some are loaded
};
WorkingDays working_days(Date month);

}  // namespace kpi::reporting
