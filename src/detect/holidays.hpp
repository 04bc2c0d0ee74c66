// Public holidays by rule, so that no list needs to be downloaded or kept up to date.
//
// Purpose: the nationwide holidays of eight countries for any year: fixed days, n-th weekdays,
//          Easter and what hangs on it, and the substitute days of the US and Great Britain
//          (England and Wales).
// Source:  Easter by the anonymous Gregorian algorithm (Meeus 1991); the laws of each country as of
//          2025, with the first year of the younger ones.
// Units:   days since 1970-01-01; years 1970 to 2199.
// Errors:  22023 for an unknown country or a year out of range.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kpi::detect {

struct Holiday {
    std::int64_t day = 0;
    std::string name;  // the same every year, so that a series can learn what the day does
};

// country: US, ES, MX, BR, DE, FR, GB or PT. In order of days.
std::vector<Holiday> holidays(std::string_view country, int year);
std::int64_t easter_sunday(int year);
std::int64_t day_number(int year, int month, int day);

}  // namespace kpi::detect
