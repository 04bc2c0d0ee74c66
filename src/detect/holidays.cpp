#include "detect/holidays.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/error.hpp"

namespace kpi::detect {

namespace {

enum class Rule : std::uint8_t {
    fixed,   // month, day
    nth,     // month, n-th weekday (Monday = 1), n = -1: the last one
    easter,  // days after Easter Sunday
};

enum class Substitute : std::uint8_t { none, nearest, following };  // US style, British style

// A rule, or a single day; `day` of a rule that was moved in one year stands in kMoved.
struct Entry {
    std::string_view country, name;
    Rule rule;
    int month, day, weekday;
    int since = 1970, every = 1, until = 9999;
    Substitute substitute = Substitute::none;
};

constexpr Entry fixed(std::string_view country, std::string_view name, int month, int day,
                      int since = 1970, Substitute substitute = Substitute::none) {
    return {country, name, Rule::fixed, month, day, 0, since, 1, 9999, substitute};
}
constexpr Entry nth(std::string_view country, std::string_view name, int month, int n,
                    int weekday) {
    return {country, name, Rule::nth, month, n, weekday};
}
constexpr Entry easter(std::string_view country, std::string_view name, int days,
                       int since = 1970) {
    return {country, name, Rule::easter, 0, days, 0, since};
}

constexpr Entry once(std::string_view country, std::string_view name, int year, int month,
                     int day) {
    return {country, name, Rule::fixed, month, day, 0, year, 1, year};
}

constexpr int kMonday = 1, kThursday = 4;
constexpr auto kNearest = Substitute::nearest;
constexpr auto kFollowing = Substitute::following;

constexpr Entry kRules[] = {
    fixed("US", "New Year's Day", 1, 1, 1970, kNearest),
    nth("US", "Martin Luther King Jr. Day", 1, 3, kMonday),
    nth("US", "Washington's Birthday", 2, 3, kMonday),
    nth("US", "Memorial Day", 5, -1, kMonday),
    fixed("US", "Juneteenth", 6, 19, 2021, kNearest),
    fixed("US", "Independence Day", 7, 4, 1970, kNearest),
    nth("US", "Labor Day", 9, 1, kMonday),
    nth("US", "Columbus Day", 10, 2, kMonday),
    fixed("US", "Veterans Day", 11, 11, 1970, kNearest),
    nth("US", "Thanksgiving", 11, 4, kThursday),
    fixed("US", "Christmas Day", 12, 25, 1970, kNearest),

    fixed("ES", "New Year's Day", 1, 1),
    fixed("ES", "Epiphany", 1, 6),
    easter("ES", "Good Friday", -2),
    fixed("ES", "Labour Day", 5, 1),
    fixed("ES", "Assumption", 8, 15),
    fixed("ES", "National Day", 10, 12),
    fixed("ES", "All Saints' Day", 11, 1),
    fixed("ES", "Constitution Day", 12, 6),
    fixed("ES", "Immaculate Conception", 12, 8),
    fixed("ES", "Christmas Day", 12, 25),

    fixed("MX", "New Year's Day", 1, 1),
    nth("MX", "Constitution Day", 2, 1, kMonday),
    nth("MX", "Benito Juarez's Birthday", 3, 3, kMonday),
    fixed("MX", "Labour Day", 5, 1),
    fixed("MX", "Independence Day", 9, 16),
    Entry{"MX", "Change of Government", Rule::fixed, 12, 1, 0, 1970, 6, 2018},
    Entry{"MX", "Change of Government", Rule::fixed, 10, 1, 0, 2024, 6},
    nth("MX", "Revolution Day", 11, 3, kMonday),
    fixed("MX", "Christmas Day", 12, 25),

    fixed("BR", "New Year's Day", 1, 1),
    easter("BR", "Carnival Monday", -48),
    easter("BR", "Carnival Tuesday", -47),
    easter("BR", "Good Friday", -2),
    fixed("BR", "Tiradentes' Day", 4, 21),
    fixed("BR", "Labour Day", 5, 1),
    easter("BR", "Corpus Christi", 60),
    fixed("BR", "Independence Day", 9, 7),
    fixed("BR", "Our Lady of Aparecida", 10, 12, 1980),
    fixed("BR", "All Souls' Day", 11, 2),
    fixed("BR", "Republic Day", 11, 15),
    fixed("BR", "Black Consciousness Day", 11, 20, 2024),
    fixed("BR", "Christmas Day", 12, 25),

    fixed("DE", "New Year's Day", 1, 1),
    easter("DE", "Good Friday", -2),
    easter("DE", "Easter Monday", 1),
    fixed("DE", "Labour Day", 5, 1),
    easter("DE", "Ascension", 39),
    easter("DE", "Whit Monday", 50),
    fixed("DE", "German Unity Day", 10, 3, 1990),
    once("DE", "500 Years of Reformation", 2017, 10, 31),
    fixed("DE", "Christmas Day", 12, 25),
    fixed("DE", "Second Christmas Day", 12, 26),

    fixed("FR", "New Year's Day", 1, 1),
    easter("FR", "Easter Monday", 1),
    fixed("FR", "Labour Day", 5, 1),
    fixed("FR", "Victory Day", 5, 8, 1982),
    easter("FR", "Ascension", 39),
    easter("FR", "Whit Monday", 50),
    fixed("FR", "Bastille Day", 7, 14),
    fixed("FR", "Assumption", 8, 15),
    fixed("FR", "All Saints' Day", 11, 1),
    fixed("FR", "Armistice Day", 11, 11),
    fixed("FR", "Christmas Day", 12, 25),

    fixed("GB", "New Year's Day", 1, 1, 1974, kFollowing),
    easter("GB", "Good Friday", -2),
    easter("GB", "Easter Monday", 1),
    Entry{"GB", "Early May Bank Holiday", Rule::nth, 5, 1, kMonday, 1978},
    nth("GB", "Spring Bank Holiday", 5, -1, kMonday),
    nth("GB", "Summer Bank Holiday", 8, -1, kMonday),
    fixed("GB", "Christmas Day", 12, 25, 1970, kFollowing),
    fixed("GB", "Boxing Day", 12, 26, 1970, kFollowing),

    once("GB", "Wedding of Prince William", 2011, 4, 29),
    once("GB", "Diamond Jubilee", 2012, 6, 5),
    once("GB", "Platinum Jubilee", 2022, 6, 3),
    once("GB", "Funeral of Queen Elizabeth II", 2022, 9, 19),
    once("GB", "Coronation of King Charles III", 2023, 5, 8),

    fixed("PT", "New Year's Day", 1, 1),
    easter("PT", "Good Friday", -2),
    easter("PT", "Easter Sunday", 0),
    fixed("PT", "Freedom Day", 4, 25, 1975),
    fixed("PT", "Labour Day", 5, 1),
    easter("PT", "Corpus Christi", 60, 2016),
    fixed("PT", "Portugal Day", 6, 10),
    fixed("PT", "Assumption", 8, 15),
    fixed("PT", "Republic Day", 10, 5, 2016),
    fixed("PT", "All Saints' Day", 11, 1, 2016),
    fixed("PT", "Restoration of Independence", 12, 1, 2016),
    fixed("PT", "Immaculate Conception", 12, 8),
    fixed("PT", "Christmas Day", 12, 25),
};

// Days that a proclamation moved.
struct Moved {
    std::string_view country, name;
    int year, month, day;
};
constexpr Moved kMoved[] = {
    {"GB", "Early May Bank Holiday", 1995, 5, 8}, {"GB", "Spring Bank Holiday", 2002, 6, 4},
    {"GB", "Spring Bank Holiday", 2012, 6, 4},    {"GB", "Early May Bank Holiday", 2020, 5, 8},
    {"GB", "Spring Bank Holiday", 2022, 6, 2},
};

int weekday(std::int64_t day) {  // Monday = 1 … Sunday = 7
    return static_cast<int>(((day + 3) % 7 + 7) % 7) + 1;
}

std::int64_t nth_weekday(int year, int month, int n, int wanted) {
    if (n > 0) {
        const std::int64_t first = day_number(year, month, 1);
        return first + (wanted - weekday(first) + 7) % 7 + 7 * (n - 1);
    }
    const std::int64_t last = day_number(year + month / 12, month % 12 + 1, 1) - 1;
    return last - (weekday(last) - wanted + 7) % 7;
}

std::int64_t day_of(const Entry &e, int year) {
    for (const Moved &m : kMoved)
        if (m.year == year && m.country == e.country && m.name == e.name)
            return day_number(year, m.month, m.day);
    if (e.rule == Rule::nth) return nth_weekday(year, e.month, e.day, e.weekday);
    if (e.rule == Rule::easter) return easter_sunday(year) + e.day;
    return day_number(year, e.month, e.day);
}

// The free day in place of one that falls on a weekend; the day itself when there is none.
std::int64_t substitute_of(const Entry &e, std::int64_t day) {
    const int w = weekday(day);
    if (e.substitute == Substitute::nearest) return w == 6 ? day - 1 : w == 7 ? day + 1 : day;
    if (e.substitute != Substitute::following) return day;
    if (e.name == "New Year's Day") return w == 6 ? day + 2 : w == 7 ? day + 1 : day;
    return w >= 6 ? day + 2 : day;  // the two Christmas days move past each other
}

}  // namespace

std::int64_t day_number(int year, int month, int day) {
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    return std::chrono::sys_days(date).time_since_epoch().count();
}

std::int64_t easter_sunday(int year) {
    const int a = year % 19, b = year / 100, c = year % 100;
    const int d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
    const int h = (19 * a + b - d - g + 15) % 30;
    const int i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7;
    const int m = (a + 11 * h + 22 * l) / 451, n = h + l - 7 * m + 114;
    return day_number(year, n / 31, n % 31 + 1);
}

std::vector<Holiday> holidays(std::string_view country, int year) {
    if (year < 1970 || year > 2199) throw Error("22023", "year must be between 1970 and 2199");
    std::vector<Holiday> out;
    bool known = false;
    const std::int64_t first = day_number(year, 1, 1), last = day_number(year, 12, 31);
    const auto add = [&](std::int64_t day, std::string name) {
        if (day >= first && day <= last) out.push_back({day, std::move(name)});
    };
    for (const Entry &e : kRules) {
        if (e.country != country) continue;
        known = true;
        // The day in place of next year's New Year may be the last Friday of this one.
        for (const int y : {year, year + 1}) {
            if (y < e.since || y > e.until || (y - e.since) % e.every != 0) continue;
            const std::int64_t day = day_of(e, y), free = substitute_of(e, day);
            add(day, std::string(e.name));
            if (free != day) add(free, std::string(e.name) + " (substitute)");
        }
    }
    if (!known) {
        throw Error("22023", "no holiday rules for country \"" + std::string(country) + "\"", {},
                    "There are rules for BR, DE, ES, FR, GB, MX, PT and US; add others with "
                    "kpi.add_event().");
    }
    std::stable_sort(out.begin(), out.end(), [](auto &a, auto &b) { return a.day < b.day; });
    return out;
}

}  // namespace kpi::detect
