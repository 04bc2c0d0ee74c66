// Calendar arithmetic on plain values, and the date words of queries. Proleptic Gregorian calendar,
// days from 2000-01-01, years 1 to 294276. Civil conversion after Howard Hinnant,
// "chrono-compatible low-level date algorithms".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/table.hpp"

namespace kpi {

// Wall-clock time of some zone, in microseconds since 2000-01-01 00:00 of that wall clock.
struct Local {
    int64_t microseconds = 0;
};

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

constexpr bool operator==(Date a, Date b) { return a.days == b.days; }
constexpr auto operator<=>(Date a, Date b) { return a.days <=> b.days; }
constexpr bool operator==(Local a, Local b) { return a.microseconds == b.microseconds; }
constexpr auto operator<=>(Local a, Local b) { return a.microseconds <=> b.microseconds; }
constexpr bool operator==(Timestamp a, Timestamp b) { return a.microseconds == b.microseconds; }
constexpr auto operator<=>(Timestamp a, Timestamp b) { return a.microseconds <=> b.microseconds; }
constexpr Date operator+(Date day, int days) { return {day.days + days}; }
constexpr int operator-(Date a, Date b) { return a.days - b.days; }

struct Civil {
    int year = 2000, month = 1, day = 1;
};
struct IsoWeek {
    int year = 2000, week = 1;
};

Civil civil(Date day);
Date date(Civil civil);  // fields in range
int days_in_month(int year, int month);
// Months later; a day that the month does not have becomes its last one (31 January + 1 month = 28
// or 29 February).
Date add_months(Date day, int months);
int weekday(Date day);  // ISO: Monday 1 to Sunday 7
Date week_start(Date day);
IsoWeek iso_week(Date day);
int iso_weeks(int year);  // 52 or 53
Date start_of(IsoWeek week);

Date date_of(Local time);
Local midnight(Date day);
std::string iso(Date day);        // 2026-11-24
std::string iso(Timestamp time);  // 2026-11-24 10:00:00.5+00
// The inverse of iso(Date), also for -infinity and infinity (as days beyond every other). Errors:
// 22007.
Date parse_date(std::string_view text);
// An ISO date or timestamp; without an offset it is UTC. nullopt: it is neither.
std::optional<Timestamp> parse_instant(std::string_view text);
int64_t unix_milliseconds(Timestamp time);

// A time zone, as two functions. local(): the wall clock at an instant. instant(): the first
// instant that shows the wall clock, or, where the clock skips that time, the instant of the skip.
struct Zone {
    std::function<Local(Timestamp)> local;
    std::function<Timestamp(Local)> instant;
};

// What a query asks for: [from, to), as instants and on the wall clock.
struct Range {
    Timestamp from, to;
    Local local_from, local_to;
    bool open_end = false;  // no end was given: it reaches to the end of today
};

// start: today, yesterday, <n>d, <n>w, <n>m, wtd, mtd, qtd, ytd, an ISO date or timestamp, or
// last_week, last_month, last_quarter, last_year: the whole one before today's, without an end.
//   <n>d are the n days that end with the end date, <n>w and <n>m the calendar weeks and months up
//   to the one that holds it; the to-date words begin its week, month, quarter or year.
// end: today, yesterday, an ISO date (inclusive) or timestamp (exclusive); not given: today, and
// yesterday for yesterday. A timestamp without offset is wall-clock time of the zone. Errors: 22007
// for a word, 22023 for an end before its start.
Range parse_range(std::string_view start, std::optional<std::string_view> end, Timestamp now,
                  const Zone &zone);

}  // namespace kpi
