#include "detect/holidays.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "core/error.hpp"

namespace kpi::detect {
namespace {

bool has(const std::vector<Holiday> &all, std::string_view name, int y, int m, int d) {
    return std::any_of(all.begin(), all.end(), [&](const Holiday &h) {
        return h.name == name && h.day == day_number(y, m, d);
    });
}

TEST(Holidays, EasterIsWhereTheChurchPutIt) {
    EXPECT_EQ(easter_sunday(2000), day_number(2000, 4, 23));
    EXPECT_EQ(easter_sunday(2008), day_number(2008, 3, 23));
    EXPECT_EQ(easter_sunday(2011), day_number(2011, 4, 24));
    EXPECT_EQ(easter_sunday(2025), day_number(2025, 4, 20));
    EXPECT_EQ(easter_sunday(2026), day_number(2026, 4, 5));
    EXPECT_EQ(easter_sunday(2038), day_number(2038, 4, 25));
}

TEST(Holidays, OfEveryCountry) {
    EXPECT_TRUE(has(holidays("US", 2025), "Thanksgiving", 2025, 11, 27));
    EXPECT_TRUE(has(holidays("US", 2025), "Memorial Day", 2025, 5, 26));
    EXPECT_TRUE(has(holidays("US", 2026), "Independence Day (substitute)", 2026, 7, 3));
    EXPECT_TRUE(has(holidays("ES", 2025), "Good Friday", 2025, 4, 18));
    EXPECT_TRUE(has(holidays("MX", 2025), "Constitution Day", 2025, 2, 3));
    EXPECT_TRUE(has(holidays("MX", 2024), "Change of Government", 2024, 10, 1));
    EXPECT_FALSE(has(holidays("MX", 2025), "Change of Government", 2025, 10, 1));
    EXPECT_TRUE(has(holidays("BR", 2025), "Carnival Tuesday", 2025, 3, 4));
    EXPECT_FALSE(has(holidays("BR", 2023), "Black Consciousness Day", 2023, 11, 20));
    EXPECT_TRUE(has(holidays("DE", 2025), "Whit Monday", 2025, 6, 9));
    EXPECT_TRUE(has(holidays("FR", 2025), "Ascension", 2025, 5, 29));
    EXPECT_TRUE(has(holidays("GB", 2025), "Summer Bank Holiday", 2025, 8, 25));
    EXPECT_TRUE(has(holidays("PT", 2025), "Corpus Christi", 2025, 6, 19));
}

TEST(Holidays, BritishChristmasMovesPastTheWeekend) {
    const auto saturday = holidays("GB", 2021);  // 25 December 2021 was a Saturday
    EXPECT_TRUE(has(saturday, "Christmas Day (substitute)", 2021, 12, 27));
    EXPECT_TRUE(has(saturday, "Boxing Day (substitute)", 2021, 12, 28));
    const auto sunday = holidays("GB", 2022);
    EXPECT_TRUE(has(sunday, "Christmas Day (substitute)", 2022, 12, 27));
    EXPECT_TRUE(has(sunday, "Boxing Day", 2022, 12, 26));
    EXPECT_TRUE(has(holidays("GB", 2022), "New Year's Day (substitute)", 2022, 1, 3));
}

TEST(Holidays, ComeInOrderAndUnknownCountriesAreRefused) {
    for (int year = 1990; year < 2060; ++year) {
        for (const char *c : {"US", "ES", "MX", "BR", "DE", "FR", "GB", "PT"}) {
            const auto all = holidays(c, year);
            EXPECT_TRUE(std::is_sorted(all.begin(), all.end(),
                                       [](auto &a, auto &b) { return a.day < b.day; }));
            EXPECT_GE(all.size(), 7U);
        }
    }
    EXPECT_THROW(holidays("XX", 2025), Error);
    EXPECT_THROW(holidays("US", 3000), Error);
}

// Optional days, and days of most of a country, which business follows all the same.
bool is_ours_by_choice(std::string_view country, const Holiday &h) {
    const bool sunday = ((h.day + 3) % 7 + 7) % 7 == 6;
    if (country == "ES") return sunday;  // regions move it, each as it likes
    if (country == "BR") return h.name.starts_with("Carnival") || h.name == "Corpus Christi";
    if (country == "GB") return h.name == "Easter Monday" || h.name == "Summer Bank Holiday";
    return false;
}

// test/data/holidays: 16 years of eight countries, as a public package lists them.
TEST(Holidays, EveryDayThatThePublicPackageKnows) {
    std::ifstream file(std::string(KPI_ROOT) + "/test/data/holidays/days.csv");
    std::map<std::string, std::set<std::string>> listed;
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) listed[line.substr(0, 2)].insert(line.substr(3));
    ASSERT_EQ(listed.size(), 8U);
    for (const auto &[country, days] : listed) {
        std::set<std::string> found;
        for (int year = 2015; year <= 2030; ++year)
            for (const Holiday &h : holidays(country, year)) {
                const std::chrono::year_month_day date{
                    std::chrono::sys_days(std::chrono::days(h.day))};
                EXPECT_EQ(int(date.year()), year) << country << " " << h.name;
                const std::string text = fmt::format("{:04}-{:02}-{:02}", int(date.year()),
                                                     unsigned(date.month()), unsigned(date.day()));
                found.insert(text);
                EXPECT_TRUE(days.contains(text) || is_ours_by_choice(country, h))
                    << country << " " << text << " " << h.name << " is not in the list";
            }
        for (const std::string &day : days)
            EXPECT_TRUE(found.contains(day)) << country << " " << day << " is missing";
    }
}

}  // namespace
}  // namespace kpi::detect
