#include "core/cron.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace kpi {
namespace {

constexpr int64_t kMinute = 60 * kSecond;
// Any two days that match are at most this far apart: 29 February over a year like 2100.
constexpr int kSearchDays = 366 * 9;

struct Field {
    const char *name;
    int from, to;
    std::vector<std::string_view> words;  // the first stands for `from`
    bool last = false;                    // L is understood
};

const Field kMinutes{"minute", 0, 59, {}};
const Field kHours{"hour", 0, 23, {}};
const Field kDays{"day of month", 1, 31, {}, true};
const Field kMonths{
    "month",
    1,
    12,
    {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}};
const Field kWeekdays{"day of week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, true};

struct Macro {
    std::string_view word, fields;
};
constexpr std::array<Macro, 7> kMacros = {{{"@hourly", "0 * * * *"},
                                           {"@daily", "0 0 * * *"},
                                           {"@midnight", "0 0 * * *"},
                                           {"@weekly", "0 0 * * 0"},
                                           {"@monthly", "0 0 1 * *"},
                                           {"@yearly", "0 0 1 1 *"},
                                           {"@annually", "0 0 1 1 *"}}};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char &c : out)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return out;
}

[[noreturn]] void refuse(const Field &field, std::string_view part, std::string_view why) {
    std::string may = fmt::format("a {} is {} to {}", field.name, field.from, field.to);
    if (!field.words.empty())
        may += fmt::format(" or {} to {}", field.words.front(), field.words.back());
    throw Error("22023", fmt::format("cron expression: \"{}\" is no {}: {}", part, field.name, why),
                {},
                fmt::format("In a cron expression {}; also *, lists (1,15), ranges (1-5) and steps "
                            "(*/10){}.",
                            may, field.last ? ", and L for the last of the month" : ""));
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> out;
    while (true) {
        const size_t at = text.find_first_of(separators);
        out.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return out;
        text.remove_prefix(at + 1);
    }
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> out;
    for (const std::string_view word : split(text, " \t"))
        if (!word.empty()) out.push_back(word);
    return out;
}

int number(const Field &field, std::string_view part, std::string_view text) {
    const auto word = std::find(field.words.begin(), field.words.end(), text);
    if (word != field.words.end()) return field.from + int(word - field.words.begin());
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty())
        refuse(field, part, "not a number");
    if (value < field.from || value > field.to) refuse(field, part, "out of range");
    return value;
}

// One part of a list, set(value) for each value it names; not for L.
template <class F>
void each_value(const Field &field, std::string_view part, F set) {
    const auto halves = split(part, "/");
    if (halves.size() > 2) refuse(field, part, "more than one step");
    int from = field.from, to = field.to, step = 1;
    if (halves[0] != "*") {
        const auto ends = split(halves[0], "-");
        if (ends.size() > 2) refuse(field, part, "not a range");
        from = number(field, part, ends[0]);
        if (ends.size() == 2)
            to = number(field, part, ends[1]);
        else if (halves.size() == 1)
            to = from;
        if (from > to) refuse(field, part, "the range ends before it begins");
    }
    if (halves.size() == 2) {
        const Field steps{"step", 1, field.to, {}};
        step = number(steps, part, halves[1]);
    }
    for (int value = from; value <= to; value += step) set(value);
}

// The first instant that shows the wall clock or, where the clock skips it, the jump itself: zones
// differ in what they make of such a time.
Timestamp moment(const Zone &zone, Local wall) {
    const Timestamp given = zone.instant(wall);
    const Local shown = zone.local(given);
    if (shown == wall) return given;
    // The clock was before the wall clock's time at `from`, and beyond it at `to`. A whole day was
    // skipped once (Apia, 2011).
    Timestamp from{given.microseconds - kDay - kHour}, to{given.microseconds + kDay + kHour};
    while (to.microseconds - from.microseconds > 1) {
        const Timestamp middle{from.microseconds + (to.microseconds - from.microseconds) / 2};
        (zone.local(middle) < wall ? from : to) = middle;
    }
    return to;
}

}  // namespace

Cron::Cron(std::string_view given) {
    std::string text = lower(given);
    for (const Macro &macro : kMacros)
        if (text == macro.word) text = macro.fields;
    const auto fields = words_of(text);
    if (fields.size() != 5)
        throw Error(
            "22023",
            fmt::format("cron expression \"{}\" has {} fields instead of 5", given, fields.size()),
            {},
            "The fields are minute, hour, day of month, month and day of week: '0 8 * * *' "
            "is 08:00 every day.");
    const auto read = [&](const Field &field, std::string_view list, auto set) {
        for (const std::string_view part : split(list, ",")) {
            if (part.empty()) refuse(field, list, "an entry of the list is empty");
            each_value(field, part, set);
        }
    };
    read(kMinutes, fields[0], [&](int v) { minutes_.set(size_t(v)); });
    read(kHours, fields[1], [&](int v) { hours_.set(size_t(v)); });
    read(kMonths, fields[3], [&](int v) { months_.set(size_t(v)); });
    for (const std::string_view part : split(fields[2], ",")) {
        if (part == "l")
            last_day_ = true;
        else
            read(kDays, part, [&](int v) { days_.set(size_t(v)); });
    }
    for (const std::string_view part : split(fields[4], ",")) {
        const bool last = part.size() > 1 && part.back() == 'l';
        auto &into = last ? last_weekdays_ : weekdays_;
        read(kWeekdays, last ? part.substr(0, part.size() - 1) : part,
             [&](int v) { into.set(size_t(v % 7)); });
    }
    every_hour_ = fields[1].front() == '*';
    any_day_ = fields[2].front() == '*';
    any_weekday_ = fields[4].front() == '*';
}

bool Cron::is_due_on(Date day) const {
    const Civil c = civil(day);
    if (!months_.test(size_t(c.month))) return false;
    const int length = days_in_month(c.year, c.month);
    const auto of_week = size_t(weekday(day) % 7);
    const bool by_day = days_.test(size_t(c.day)) || (last_day_ && c.day == length);
    const bool by_weekday =
        weekdays_.test(of_week) || (last_weekdays_.test(of_week) && c.day + 7 > length);
    if (any_day_ || any_weekday_) return by_day && by_weekday;
    return by_day || by_weekday;
}

// Every minute that the day has, in the order in which they pass.
std::optional<Timestamp> Cron::next_in_real_time(Date day, Timestamp after,
                                                 const Zone &zone) const {
    Timestamp at = std::max(zone.instant(midnight(day)), {after.microseconds + 1});
    const Timestamp end = zone.instant(midnight(day + 1));
    at.microseconds += ((-at.microseconds % kMinute) + kMinute) % kMinute;
    for (; at < end; at.microseconds += kMinute) {
        const int64_t time = zone.local(at).microseconds - midnight(day).microseconds;
        if (time < 0 || time >= kDay) continue;
        if (hours_.test(size_t(time / kHour)) && minutes_.test(size_t(time % kHour / kMinute)))
            return at;
    }
    return std::nullopt;
}

std::optional<Timestamp> Cron::next_on_wall_clock(Date day, Timestamp after,
                                                  const Zone &zone) const {
    for (size_t hour = 0; hour < hours_.size(); ++hour) {
        if (!hours_.test(hour)) continue;
        for (size_t minute = 0; minute < minutes_.size(); ++minute) {
            if (!minutes_.test(minute)) continue;
            const Timestamp at = moment(zone, {midnight(day).microseconds + int64_t(hour) * kHour +
                                               int64_t(minute) * kMinute});
            if (at > after) return at;
        }
    }
    return std::nullopt;
}

std::optional<Timestamp> Cron::next(Timestamp after, const Zone &zone) const {
    const Date today = date_of(zone.local(after));
    // A day earlier: what a jump over midnight put off may be due only now.
    for (int i = -1; i <= kSearchDays; ++i) {
        const Date day = today + i;
        if (!is_due_on(day)) continue;
        const auto at = every_hour_ ? next_in_real_time(day, after, zone)
                                    : next_on_wall_clock(day, after, zone);
        if (at) return at;
    }
    return std::nullopt;
}

}  // namespace kpi
