// Date words and calendar arithmetic, on zones made by hand.
#include "core/dates.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace {

using kpi::date;
using kpi::iso;

// Fixed offset from UTC.
kpi::Zone fixed(int64_t hours) {
    return {[hours](kpi::Timestamp at) { return kpi::Local{at.microseconds + hours * kpi::kHour}; },
            [hours](kpi::Local local) {
                return kpi::Timestamp{local.microseconds - hours * kpi::kHour};
            }};
}

kpi::Timestamp at(int year, int month, int day, int hour = 0) {
    return {kpi::midnight(date({year, month, day})).microseconds + hour * kpi::kHour};
}

// "from .. to" of a range seen from 2026-11-24 03:00 UTC, which is still the 23rd six hours west.
std::string range(std::string_view start, std::optional<std::string_view> end = std::nullopt) {
    const auto r = kpi::parse_range(start, end, at(2026, 11, 24, 3), fixed(-6));
    return iso(kpi::Timestamp{r.local_from.microseconds}) + " .. " +
           iso(kpi::Timestamp{r.local_to.microseconds});
}

std::string days(const std::string &from, const std::string &to) {
    return from + " 00:00:00.000000+00 .. " + to + " 00:00:00.000000+00";
}

std::string state_of(std::string_view start, std::optional<std::string_view> end = std::nullopt) {
    try {
        range(start, end);
    } catch (const kpi::Error &error) {
        EXPECT_FALSE(error.hint.empty()) << start;
        return error.sqlstate;
    }
    return "none";
}

TEST(Dates, CivilAndBackOverFourCenturies) {
    for (int n = -150'000; n < 150'000; n += 7) {
        const kpi::Civil c = kpi::civil({n});
        ASSERT_EQ(date(c).days, n);
        ASSERT_LE(c.day, kpi::days_in_month(c.year, c.month));
    }
    EXPECT_EQ(date({2000, 1, 1}).days, 0);
    EXPECT_EQ(date({1970, 1, 1}).days, -10957);
    EXPECT_EQ(date({2000, 3, 1}).days, 60);
    EXPECT_EQ(date({1900, 3, 1}) - date({1900, 2, 28}), 1);
}

TEST(Dates, MonthsClampToTheLastDay) {
    EXPECT_EQ(iso(kpi::add_months(date({2026, 1, 31}), 1)), "2026-02-28");
    EXPECT_EQ(iso(kpi::add_months(date({2024, 1, 31}), 1)), "2024-02-29");
    EXPECT_EQ(iso(kpi::add_months(date({2024, 2, 29}), -12)), "2023-02-28");
    EXPECT_EQ(iso(kpi::add_months(date({2026, 1, 15}), -1)), "2025-12-15");
    EXPECT_EQ(iso(kpi::add_months(date({2026, 12, 31}), 2)), "2027-02-28");
}

TEST(Dates, IsoWeeks) {
    EXPECT_EQ(kpi::weekday(date({2026, 11, 23})), 1);
    EXPECT_EQ(kpi::weekday(date({1999, 12, 26})), 7);
    EXPECT_EQ(kpi::iso_week(date({2021, 1, 3})).week, 53);
    EXPECT_EQ(kpi::iso_week(date({2021, 1, 3})).year, 2020);
    EXPECT_EQ(kpi::iso_week(date({2018, 12, 31})).week, 1);
    EXPECT_EQ(kpi::iso_week(date({2018, 12, 31})).year, 2019);
    EXPECT_EQ(kpi::iso_weeks(2020), 53);
    EXPECT_EQ(kpi::iso_weeks(2021), 52);
    EXPECT_EQ(iso(kpi::start_of({2020, 53})), "2020-12-28");
    EXPECT_EQ(iso(kpi::start_of({2026, 1})), "2025-12-29");
}

TEST(Dates, WordsCountBackFromTheEnd) {
    EXPECT_EQ(range("today"), days("2026-11-23", "2026-11-24"));
    EXPECT_EQ(range("yesterday"), days("2026-11-22", "2026-11-23"));
    EXPECT_EQ(range("yesterday", "today"), days("2026-11-22", "2026-11-24"));
    EXPECT_EQ(range("7d"), days("2026-11-17", "2026-11-24"));
    EXPECT_EQ(range("7d", "yesterday"), days("2026-11-16", "2026-11-23"));
    EXPECT_EQ(range("2w"), days("2026-11-16", "2026-11-24"));
    EXPECT_EQ(range("1m"), days("2026-11-01", "2026-11-24"));
    EXPECT_EQ(range("6m", "2026-02-10"), days("2025-09-01", "2026-02-11"));
    EXPECT_EQ(range("mtd"), days("2026-11-01", "2026-11-24"));
    EXPECT_EQ(range("qtd"), days("2026-10-01", "2026-11-24"));
    EXPECT_EQ(range("ytd"), days("2026-01-01", "2026-11-24"));
    EXPECT_EQ(range("qtd", "2026-03-31"), days("2026-01-01", "2026-04-01"));
}

TEST(Dates, AnEndDateIsInclusiveAnEndTimestampIsNot) {
    EXPECT_EQ(range("2026-02-01", "2026-02-28"), days("2026-02-01", "2026-03-01"));
    EXPECT_EQ(range("2026-02-01", "2026-02-28 00:00"), days("2026-02-01", "2026-02-28"));
    EXPECT_EQ(range("2026-02-01T06:00Z", "2026-02-02T00:00-06"), days("2026-02-01", "2026-02-02"));
    EXPECT_EQ(range("2026-02-01T00:00", "2026-02-01T15:30:00.25"),
              "2026-02-01 00:00:00.000000+00 .. 2026-02-01 15:30:00.250000+00");
    EXPECT_EQ(range("2026-02-01T11:30+05:30", "2026-02-01T24:00"),
              days("2026-02-01", "2026-02-02"));
}

TEST(Dates, WholePeriodsBeforeTodays) {
    EXPECT_EQ(range("wtd"), days("2026-11-23", "2026-11-24"));
    EXPECT_EQ(range("last_week"), days("2026-11-16", "2026-11-23"));
    EXPECT_EQ(range("last_month"), days("2026-10-01", "2026-11-01"));
    EXPECT_EQ(range("last_quarter"), days("2026-07-01", "2026-10-01"));
    EXPECT_EQ(range("last_year"), days("2025-01-01", "2026-01-01"));
    EXPECT_EQ(state_of("last_week", "today"), "22023");
    EXPECT_EQ(range("20000d"), days("1972-02-21", "2026-11-24"));
}

TEST(Dates, BadWordsSayWhatIsAllowed) {
    for (const char *word : {"", "tomorrow", "7x", "0d", "d", "2026-13-01", "2026-02-29",
                             "2026-1-1", "2026-01-01T25:00", "2026-01-01T10:00+", "2026-01-01 10",
                             "999999d", "10000m", "294277-01-01"})
        EXPECT_EQ(state_of(word), "22007") << word;
    for (const char *word : {"7d", "mtd", "", "2026-02-30"})
        EXPECT_EQ(state_of("30d", word), "22007") << word;
    EXPECT_EQ(state_of("2026-02-02", "2026-02-01"), "22023");
    EXPECT_EQ(state_of("2026-02-01T10:00", "2026-02-01T10:00"), "22023");
    EXPECT_EQ(state_of("2027-01-01"), "22023");
}

TEST(Dates, ParseDateKnowsTheInfinities) {
    EXPECT_LT(kpi::parse_date("-infinity"), date({1, 1, 1}));
    EXPECT_GT(kpi::parse_date("infinity"), date({9999, 12, 31}));
    EXPECT_EQ(kpi::parse_date("2026-11-24"), date({2026, 11, 24}));
    EXPECT_THROW(kpi::parse_date("24.11.2026"), kpi::Error);
}

TEST(Dates, InstantsAndMilliseconds) {
    const auto milliseconds = [](const char *text) {
        return kpi::unix_milliseconds(kpi::parse_instant(text).value());
    };
    EXPECT_EQ(milliseconds("1970-01-01"), 0);
    EXPECT_EQ(milliseconds("2026-11-24T10:00:00.5+00:00"), 1'795'514'400'500);
    EXPECT_EQ(milliseconds("2026-11-24 15:30:00.0009+05:30"), 1'795'514'400'000);
    EXPECT_EQ(milliseconds("1969-12-31T23:59:59.9995Z"), -1);
    for (const char *text : {"", "today", "2026-13-01", "2026-11-24T", "2026-11-24T10:00:00X"})
        EXPECT_FALSE(kpi::parse_instant(text)) << text;
}

}  // namespace
