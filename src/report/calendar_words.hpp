// Dates, periods, times and durations as people read them. Numbers and names only: the words around
// them are in the catalogue.
#pragma once

#include "report/document.hpp"

namespace kpi::report {

// "Tue 12 Mar 2024", "mar 12 mar 2024"
std::string day_words(Date day, Language language);
// "12 Mar": the axis of a chart. In a year that is not the first of the axis: "1 Jan 2025".
std::string short_day_words(Date day, Language language);
// "Mar 2024"
std::string short_month_words(Date day, Language language);
// The bucket of a chart: a day, "week 53, 2020", "March 2024".
std::string bucket_words(Date day, Scale scale, Language language);
// The same where there is no room: "12 Mar", "W53", "Mar 24".
std::string short_bucket_words(Date day, Scale scale, Language language);
// A day; "week 53 of 2020 (28 Dec 2020 – 3 Jan 2021)"; "March 2024"; "Q1 2024"; "2024";
// "2–8 Mar 2024".
std::string period_words(Period period, Language language);
// "12 Mar 2024, 07:55"
std::string time_words(Local time, Language language);
// "45 min", "1 h 25 min", "2 d 3 h"; both languages alike.
std::string duration_words(Seconds lasted);

}  // namespace kpi::report
