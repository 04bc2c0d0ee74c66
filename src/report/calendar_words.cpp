#include "report/calendar_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/catalogue.hpp"

namespace kpi::report {
namespace {

using Names = std::array<const char *, 12>;
constexpr Names kMonths = {"January", "February", "March",     "April",   "May",      "June",
                           "July",    "August",   "September", "October", "November", "December"};
constexpr Names kMeses = {"enero", "febrero", "marzo",      "abril",   "mayo",      "junio",
                          "julio", "agosto",  "septiembre", "octubre", "noviembre", "diciembre"};
constexpr Names kShort = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr Names kCortos = {"ene", "feb", "mar",  "abr", "may", "jun",
                           "jul", "ago", "sept", "oct", "nov", "dic"};
constexpr std::array<const char *, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<const char *, 7> kDias = {"lun", "mar", "mié", "jue", "vie", "sáb", "dom"};

bool spanish(Language language) { return language == Language::spanish; }

const char *month(int number, Language language) {
    return (spanish(language) ? kMeses : kMonths)[size_t(number - 1)];
}

const char *short_month(int number, Language language) {
    return (spanish(language) ? kCortos : kShort)[size_t(number - 1)];
}

std::string day_and_month(const Civil &day, Language language) {
    return fmt::format("{} {}", day.day, short_month(day.month, language));
}

std::string words(std::string_view key, Language language, const Arguments &arguments) {
    return fill(entry_of(key).words(language).one, arguments);
}

// "28 Dec 2020 – 3 Jan 2021", "26 Feb – 3 Mar 2024", "2–8 Mar 2024"
std::string range_words(Period period, Language language) {
    const Civil first = civil(period.first), last = civil(period.last);
    const std::string end = fmt::format("{} {}", day_and_month(last, language), last.year);
    if (first.year != last.year)
        return fmt::format("{} {} – {}", day_and_month(first, language), first.year, end);
    if (first.month != last.month)
        return fmt::format("{} – {}", day_and_month(first, language), end);
    return fmt::format("{}–{}", first.day, end);
}

std::string week_words(Date day, Language language) {
    const IsoWeek week = iso_week(day);
    return words("week_of_year", language,
                 {{"week", std::to_string(week.week)}, {"year", std::to_string(week.year)}});
}

std::string month_words(const Civil &day, Language language) {
    return words("month_of_year", language,
                 {{"month", month(day.month, language)}, {"year", std::to_string(day.year)}});
}

}  // namespace

std::string day_words(Date day, Language language) {
    const Civil parts = civil(day);
    const auto &names = spanish(language) ? kDias : kDays;
    return fmt::format("{} {} {}", names[size_t(weekday(day) - 1)], day_and_month(parts, language),
                       parts.year);
}

std::string short_day_words(Date day, Language language) {
    return day_and_month(civil(day), language);
}

std::string short_month_words(Date day, Language language) {
    const Civil parts = civil(day);
    return fmt::format("{} {}", short_month(parts.month, language), parts.year);
}

std::string bucket_words(Date day, Scale scale, Language language) {
    switch (scale) {
        case Scale::day:
            return day_words(day, language);
        case Scale::week:
            return week_words(day, language);
        case Scale::month:
            break;
    }
    return month_words(civil(day), language);
}

std::string short_bucket_words(Date day, Scale scale, Language language) {
    switch (scale) {
        case Scale::day:
            return short_day_words(day, language);
        case Scale::week:
            return words("short_week", language, {{"week", std::to_string(iso_week(day).week)}});
        case Scale::month:
            break;
    }
    const Civil parts = civil(day);
    return fmt::format("{} {:02}", short_month(parts.month, language), parts.year % 100);
}

std::string period_words(Period period, Language language) {
    if (period.first == period.last) return day_words(period.first, language);
    const Civil first = civil(period.first);
    const Date month_start = date({first.year, first.month, 1});
    if (period.first == month_start) {
        if (period.last + 1 == add_months(month_start, 1)) return month_words(first, language);
        if (first.month == 1 && period.last + 1 == add_months(month_start, 12))
            return std::to_string(first.year);
        if (first.month % 3 == 1 && period.last + 1 == add_months(month_start, 3))
            return words("quarter_of_year", language,
                         {{"quarter", std::to_string(first.month / 3 + 1)},
                          {"year", std::to_string(first.year)}});
    }
    if (period.first == week_start(period.first) && period.last == period.first + 6)
        return words("week_with_days", language,
                     {{"week", week_words(period.first, language)},
                      {"days", range_words(period, language)}});
    return range_words(period, language);
}

std::string time_words(Local time, Language language) {
    const Date day = date_of(time);
    const int64_t minutes = (time.microseconds - midnight(day).microseconds) / (60 * kSecond);
    const Civil parts = civil(day);
    return fmt::format("{} {}, {:02}:{:02}", day_and_month(parts, language), parts.year,
                       minutes / 60, minutes % 60);
}

std::string duration_words(Seconds lasted) {
    const int64_t minutes = std::max<int64_t>(0, lasted.count) / 60;
    const int64_t hours = minutes / 60;
    if (hours == 0) return fmt::format("{} min", minutes);
    if (hours < 24) return fmt::format("{} h {} min", hours, minutes % 60);
    return fmt::format("{} d {} h", hours / 24, hours % 24);
}

}  // namespace kpi::report
