#include "report/calendar_words.hpp"

#include <gtest/gtest.h>

namespace {

using namespace kpi::report;
using kpi::date;

constexpr Language kEn = Language::english, kEs = Language::spanish;

TEST(CalendarWords, name_days_weeks_months_quarters_and_years) {
    const kpi::Date monday = date({2020, 12, 28}), sunday = date({2021, 1, 3});
    EXPECT_EQ(period_words({monday, sunday}, kEn), "week 53 of 2020 (28 Dec 2020 – 3 Jan 2021)");
    EXPECT_EQ(period_words({monday, sunday}, kEs), "semana 53 de 2020 (28 dic 2020 – 3 ene 2021)");
    EXPECT_EQ(period_words({date({2024, 2, 1}), date({2024, 2, 29})}, kEn), "February 2024");
    EXPECT_EQ(period_words({date({2024, 2, 1}), date({2024, 2, 28})}, kEn), "1–28 Feb 2024");
    EXPECT_EQ(period_words({date({2024, 3, 1}), date({2024, 3, 31})}, kEs), "marzo de 2024");
    EXPECT_EQ(period_words({date({2024, 4, 1}), date({2024, 6, 30})}, kEn), "Q2 2024");
    EXPECT_EQ(period_words({date({2024, 4, 1}), date({2024, 6, 30})}, kEs), "T2 de 2024");
    EXPECT_EQ(period_words({date({2024, 1, 1}), date({2024, 12, 31})}, kEs), "2024");
    EXPECT_EQ(period_words({date({2024, 3, 12}), date({2024, 3, 12})}, kEn), "Tue 12 Mar 2024");
    EXPECT_EQ(period_words({date({2024, 3, 12}), date({2024, 3, 12})}, kEs), "mar 12 mar 2024");
    EXPECT_EQ(period_words({date({2024, 2, 26}), date({2024, 3, 5})}, kEn), "26 Feb – 5 Mar 2024");
}

TEST(CalendarWords, are_short_on_axes) {
    EXPECT_EQ(short_bucket_words(date({2020, 12, 28}), Scale::week, kEs), "S53");
    EXPECT_EQ(short_bucket_words(date({2005, 9, 1}), Scale::month, kEs), "sept 05");
    EXPECT_EQ(short_bucket_words(date({2024, 9, 3}), Scale::day, kEn), "3 Sep");
    EXPECT_EQ(bucket_words(date({2020, 12, 28}), Scale::week, kEn), "week 53 of 2020");
}

TEST(CalendarWords, tell_times_and_durations) {
    const kpi::Local time{kpi::midnight(date({1999, 3, 2})).microseconds + 475 * 60'000'000LL};
    EXPECT_EQ(time_words(time, kEn), "2 Mar 1999, 07:55");
    EXPECT_EQ(duration_words({59}), "0 min");
    EXPECT_EQ(duration_words({5100}), "1 h 25 min");
    EXPECT_EQ(duration_words({2 * 86400 + 3 * 3600}), "2 d 3 h");
    EXPECT_EQ(duration_words({-5}), "0 min");
}

}  // namespace
