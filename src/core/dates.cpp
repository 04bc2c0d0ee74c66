#include "core/dates.hpp"

#include <fmt/format.h>

#include <array>

#include "core/error.hpp"

namespace kpi {
namespace {

constexpr int kEpoch = 730425;  // days from 0000-03-01 to 2000-01-01

constexpr int floor_div(int64_t a, int64_t b) { return int(a >= 0 ? a / b : -((-a + b - 1) / b)); }

constexpr const char *kWords =
    "Use today, yesterday, a number with d, w or m (7d, 12w, 6m), wtd, mtd, qtd, ytd, last_week, "
    "last_month, last_quarter, last_year, an ISO date such as 2026-01-31 (inclusive) or an ISO "
    "timestamp such as 2026-01-31T15:00 (exclusive at the end).";
constexpr const char *kEndWords =
    "Use today, yesterday, an ISO date such as 2026-01-31 (inclusive) or an ISO timestamp such as "
    "2026-01-31T15:00 "
    "(exclusive).";

[[noreturn]] void bad_word(std::string_view text, const char *hint) {
    throw Error("22007", fmt::format("\"{}\" is not a date that kpi understands", text), {}, hint);
}

// A cursor over ISO text: every step consumes what it names or fails.
struct Scanner {
    std::string_view rest;

    bool skip(std::string_view any_of) {
        if (rest.empty() || any_of.find(rest[0]) == std::string_view::npos) return false;
        rest.remove_prefix(1);
        return true;
    }
    std::optional<int> digits(size_t least, size_t most) {
        size_t n = 0;
        int value = 0;
        while (n < rest.size() && n < most && rest[n] >= '0' && rest[n] <= '9')
            value = value * 10 + (rest[n++] - '0');
        if (n < least) return std::nullopt;
        rest.remove_prefix(n);
        return value;
    }
};

std::optional<Date> scan_date(Scanner &scanner) {
    // to the last year of PostgreSQL's timestamps
    const auto year = scanner.digits(4, 6);
    if (!year || *year > 294276 || !scanner.skip("-")) return std::nullopt;
    const auto month = scanner.digits(2, 2);
    if (!month || !scanner.skip("-")) return std::nullopt;
    const auto day = scanner.digits(2, 2);
    if (!day || *year < 1 || *month < 1 || *month > 12 || *day < 1 ||
        *day > days_in_month(*year, *month))
        return std::nullopt;
    return date({*year, *month, *day});
}

// Microseconds after midnight: HH:MM[:SS[.ffffff]].
std::optional<int64_t> scan_time(Scanner &scanner) {
    const auto hour = scanner.digits(2, 2);
    if (!hour || !scanner.skip(":")) return std::nullopt;
    const auto minute = scanner.digits(2, 2);
    if (!minute || *hour > 24 || *minute > 59) return std::nullopt;
    int64_t time = *hour * kHour + *minute * 60 * kSecond;
    if (scanner.skip(":")) {
        const auto second = scanner.digits(2, 2);
        if (!second || *second > 59) return std::nullopt;
        time += *second * kSecond;
        if (scanner.skip(".,")) {
            const size_t before = scanner.rest.size();
            auto fraction = scanner.digits(1, 6);
            if (!fraction) return std::nullopt;
            for (size_t n = before - scanner.rest.size(); n < 6; ++n) *fraction *= 10;
            time += *fraction;
        }
    }
    return time <= kDay ? std::optional(time) : std::nullopt;
}

// Z, +HH, +HH:MM, +HHMM; in microseconds east of UTC.
std::optional<int64_t> scan_offset(Scanner &scanner) {
    if (scanner.skip("Zz")) return 0;
    const bool west = !scanner.rest.empty() && scanner.rest[0] == '-';
    if (!scanner.skip("+-")) return std::nullopt;
    const auto hour = scanner.digits(2, 2);
    if (!hour) return std::nullopt;
    int minute = 0;
    if (scanner.skip(":") || !scanner.rest.empty()) {
        const auto part = scanner.digits(2, 2);
        if (!part || *part > 59) return std::nullopt;
        minute = *part;
    }
    const int64_t offset = *hour * kHour + minute * 60 * kSecond;
    return west ? -offset : offset;
}

struct Point {
    Timestamp at;
    bool is_date = false;
};

std::optional<Point> scan_point(std::string_view text, const Zone &zone) {
    Scanner scanner{text};
    const auto day = scan_date(scanner);
    if (!day) return std::nullopt;
    if (scanner.rest.empty()) return Point{zone.instant(midnight(*day)), true};
    if (!scanner.skip("Tt ")) return std::nullopt;
    const auto time = scan_time(scanner);
    if (!time) return std::nullopt;
    const int64_t wall = midnight(*day).microseconds + *time;
    if (scanner.rest.empty()) return Point{zone.instant(Local{wall}), false};
    const auto offset = scan_offset(scanner);
    if (!offset || !scanner.rest.empty()) return std::nullopt;
    return Point{Timestamp{wall - *offset}, false};
}

struct Count {
    int number = 0;
    char unit = 0;
};

std::optional<Count> scan_count(std::string_view text) {
    Scanner scanner{text};
    const auto number = scanner.digits(1, 5);
    if (!number || *number < 1 || scanner.rest.size() != 1) return std::nullopt;
    if (*number > 9999 && scanner.rest[0] != 'd') return std::nullopt;
    return Count{*number, scanner.rest[0]};
}

// The first day of a relative word, counted back from the last day of the range.
std::optional<Date> relative_start(std::string_view word, Date last) {
    const Civil c = civil(last);
    if (word == "wtd") return week_start(last);
    if (word == "mtd") return date({c.year, c.month, 1});
    if (word == "qtd") return date({c.year, (c.month - 1) / 3 * 3 + 1, 1});
    if (word == "ytd") return date({c.year, 1, 1});
    const auto count = scan_count(word);
    if (!count) return std::nullopt;
    if (count->unit == 'd') return last + (1 - count->number);
    if (count->unit == 'w') return week_start(last) + 7 * (1 - count->number);
    if (count->unit == 'm') return add_months(date({c.year, c.month, 1}), 1 - count->number);
    return std::nullopt;
}

// The whole calendar period before the one that holds `today`, [first, second).
std::optional<std::pair<Date, Date>> last_period(std::string_view word, Date today) {
    const Civil c = civil(today);
    const auto before = [](Date start, int months) {
        return std::pair(add_months(start, -months), start);
    };
    if (word == "last_week") return std::pair(week_start(today) + -7, week_start(today));
    if (word == "last_month") return before(date({c.year, c.month, 1}), 1);
    if (word == "last_quarter") return before(date({c.year, (c.month - 1) / 3 * 3 + 1, 1}), 3);
    if (word == "last_year") return before(date({c.year, 1, 1}), 12);
    return std::nullopt;
}

Timestamp range_end(std::optional<std::string_view> end, Date today, const Zone &zone) {
    if (!end || *end == "today") return zone.instant(midnight(today + 1));
    if (*end == "yesterday") return zone.instant(midnight(today));
    const auto point = scan_point(*end, zone);
    if (!point) bad_word(*end, kEndWords);
    if (!point->is_date) return point->at;
    return zone.instant(midnight(date_of(zone.local(point->at)) + 1));
}

}  // namespace

int days_in_month(int year, int month) {
    constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return kDays[size_t(month - 1)] + (month == 2 && leap ? 1 : 0);
}

Civil civil(Date day) {
    const int z = day.days + kEpoch;
    const int era = floor_div(z, 146097);
    const int doe = z - era * 146097;
    const int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int mp = (5 * doy + 2) / 153;
    const int month = mp < 10 ? mp + 3 : mp - 9;
    return {yoe + era * 400 + (month <= 2 ? 1 : 0), month, doy - (153 * mp + 2) / 5 + 1};
}

Date date(Civil c) {
    const int year = c.month <= 2 ? c.year - 1 : c.year;
    const int era = floor_div(year, 400);
    const int yoe = year - era * 400;
    const int doy = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;
    const int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return {era * 146097 + doe - kEpoch};
}

Date add_months(Date day, int months) {
    const Civil c = civil(day);
    const int count = c.year * 12 + c.month - 1 + months;
    const int year = floor_div(count, 12);
    const int month = count - year * 12 + 1;
    return date({year, month, std::min(c.day, days_in_month(year, month))});
}

// 2000-01-01 was a Saturday.
int weekday(Date day) { return day.days + 5 - floor_div(int64_t(day.days) + 5, 7) * 7 + 1; }

Date week_start(Date day) { return day + (1 - weekday(day)); }

// The year of an ISO week is the year of its Thursday.
IsoWeek iso_week(Date day) {
    const Date thursday = week_start(day) + 3;
    const int year = civil(thursday).year;
    return {year, (thursday - date({year, 1, 1})) / 7 + 1};
}

// 28 December is always in the last week.
int iso_weeks(int year) { return iso_week(date({year, 12, 28})).week; }

Date start_of(IsoWeek week) { return week_start(date({week.year, 1, 4})) + 7 * (week.week - 1); }

Date date_of(Local time) { return {floor_div(time.microseconds, kDay)}; }

Local midnight(Date day) { return {day.days * kDay}; }

std::string iso(Date day) {
    const Civil c = civil(day);
    return fmt::format("{:04}-{:02}-{:02}", c.year, c.month, c.day);
}

std::string iso(Timestamp time) {
    const Date day = date_of(Local{time.microseconds});
    const int64_t rest = time.microseconds - day.days * kDay;
    return fmt::format("{} {:02}:{:02}:{:02}.{:06}+00", iso(day), rest / kHour,
                       rest / (60 * kSecond) % 60, rest / kSecond % 60, rest % kSecond);
}

Date parse_date(std::string_view text) {
    if (text == "-infinity") return {INT32_MIN};
    if (text == "infinity") return {INT32_MAX};
    Scanner scanner{text};
    const auto day = scan_date(scanner);
    if (!day || !scanner.rest.empty()) bad_word(text, kEndWords);
    return *day;
}

std::optional<Timestamp> parse_instant(std::string_view text) {
    const Zone utc{[](Timestamp at) { return Local{at.microseconds}; },
                   [](Local wall) { return Timestamp{wall.microseconds}; }};
    const auto point = scan_point(text, utc);
    if (!point) return std::nullopt;
    return point->at;
}

int64_t unix_milliseconds(Timestamp time) {
    constexpr int64_t kUnixEpoch = 10957 * kDay;  // 2000-01-01, from 1970-01-01
    const int64_t microseconds = time.microseconds + kUnixEpoch;
    const int64_t part = microseconds % 1000;
    return microseconds / 1000 - (part < 0 ? 1 : 0);
}

Range parse_range(std::string_view start, std::optional<std::string_view> end, Timestamp now,
                  const Zone &zone) {
    const Date today = date_of(zone.local(now));
    if (const auto period = last_period(start, today)) {
        if (end)
            throw Error("22023", fmt::format("\"{}\" has an end of its own", start), {},
                        "Leave the end away, or give dates.");
        const Local from = midnight(period->first), to = midnight(period->second);
        return {zone.instant(from), zone.instant(to), from, to};
    }
    const auto effective =
        !end && start == "yesterday" ? std::optional<std::string_view>("yesterday") : end;
    Range range;
    range.open_end = !effective;
    range.to = range_end(effective, today, zone);
    range.local_to = zone.local(range.to);
    const Date last = date_of(zone.local(Timestamp{range.to.microseconds - 1}));
    if (start == "today") {
        range.from = zone.instant(midnight(today));
    } else if (start == "yesterday") {
        range.from = zone.instant(midnight(today + -1));
    } else if (const auto day = relative_start(start, last)) {
        range.from = zone.instant(midnight(*day));
    } else if (const auto point = scan_point(start, zone)) {
        range.from = point->at;
    } else {
        bad_word(start, kWords);
    }
    range.local_from = zone.local(range.from);
    if (range.from >= range.to)
        throw Error("22023", "the range ends before it starts",
                    fmt::format("It would run from {} to {}.", iso(range.from), iso(range.to)),
                    "An end date is inclusive, an end timestamp is exclusive.");
    return range;
}

}  // namespace kpi
