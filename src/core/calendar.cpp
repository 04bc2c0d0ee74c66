#include "core/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.hpp"

namespace kpi {
namespace {

struct GrainWord {
    std::string_view word, adverb;
    Grain grain;
};
constexpr std::array<GrainWord, 7> kGrains = {{{"hour", "hourly", Grain::hour},
                                               {"day", "daily", Grain::day},
                                               {"week", "weekly", Grain::week},
                                               {"month", "monthly", Grain::month},
                                               {"quarter", "quarterly", Grain::quarter},
                                               {"year", "yearly", Grain::year},
                                               {"total", "total", Grain::total}}};

struct CompareWord {
    std::string_view word;
    Compare compare;
};
constexpr std::array<CompareWord, 5> kCompares = {{{"previous", Compare::previous},
                                                   {"same_weekday", Compare::same_weekday},
                                                   {"week", Compare::week},
                                                   {"month", Compare::month},
                                                   {"year", Compare::year}}};

constexpr Timestamp operator+(Timestamp t, int64_t microseconds) {
    return {t.microseconds + microseconds};
}
constexpr Timestamp operator-(Timestamp t, int64_t microseconds) {
    return {t.microseconds - microseconds};
}

// A moment as local day and time of day; time 0 is the day's first moment, also where the clock
// skips midnight.
struct Edge {
    Date day;
    int64_t time = 0;
};

Timestamp day_start(Date day, const Zone &zone) { return zone.instant(midnight(day)); }

Edge edge(Timestamp at, const Zone &zone) {
    const Local local = zone.local(at);
    const Date day = date_of(local);
    if (at == day_start(day, zone)) return {day, 0};
    return {day, local.microseconds - midnight(day).microseconds};
}

Timestamp at(Edge edge, const Zone &zone) {
    return zone.instant(Local{midnight(edge.day).microseconds + edge.time});
}

Timestamp hour_start(Timestamp at, const Zone &zone) {
    const int64_t local = zone.local(at).microseconds;
    const int64_t past = ((local % kHour) + kHour) % kHour;
    return at - past;
}

Timestamp next_hour(Timestamp hour, const Zone &zone) {
    const Timestamp next = hour_start(hour + kHour, zone);
    return next > hour ? next : hour + kHour;
}

int months_of(Grain grain) {
    if (grain == Grain::month) return 1;
    if (grain == Grain::quarter) return 3;
    return grain == Grain::year ? 12 : 0;
}

Date bucket_start(Grain grain, Date day) {
    const Civil c = civil(day);
    if (grain == Grain::week) return week_start(day);
    if (grain == Grain::month) return date({c.year, c.month, 1});
    if (grain == Grain::quarter) return date({c.year, (c.month - 1) / 3 * 3 + 1, 1});
    if (grain == Grain::year) return date({c.year, 1, 1});
    return day;
}

Date bucket_end(Grain grain, Date start) {
    if (grain == Grain::day) return start + 1;
    if (grain == Grain::week) return start + 7;
    return add_months(start, months_of(grain));
}

bool is_first_of_month(Edge edge) { return edge.time == 0 && civil(edge.day).day == 1; }

// Everything in [from, to).
Slice slice_between(Timestamp from, Timestamp to, const Zone &zone) {
    const Edge first = edge(from, zone);
    const Edge last = edge(to, zone);
    Slice out;
    if (first.time != 0 && first.day == last.day) {
        out.hours.push_back({first.day, hour_start(from, zone), to});
        return out;
    }
    out.day_from = first.time == 0 ? first.day : first.day + 1;
    out.day_to = last.day;
    if (first.time != 0)
        out.hours.push_back(
            {first.day, hour_start(from, zone), day_start(first.day + 1, zone) + kDay});
    if (last.time != 0) out.hours.push_back({last.day, day_start(last.day, zone) - kDay, to});
    return out;
}

// Everything from `from` up to `cut`, whose hour counts by its elapsed share.
Slice slice_until(Timestamp from, Timestamp cut, const Zone &zone) {
    const Edge first = edge(from, zone);
    const Edge last = edge(cut, zone);
    Slice out;
    const bool partial = first.time != 0;
    out.day_from = partial ? first.day + 1 : first.day;
    out.day_to = std::max(out.day_from, last.day);
    if (partial && first.day != last.day)
        out.hours.push_back(
            {first.day, hour_start(from, zone), day_start(first.day + 1, zone) + kDay});
    HourSpan tail{last.day, day_start(last.day, zone) - kDay, day_start(last.day + 1, zone) + kDay};
    if (partial && first.day == last.day) tail.from = hour_start(from, zone);
    tail.cut = hour_start(cut, zone);
    tail.weight = std::min(1.0, double(cut.microseconds - tail.cut.microseconds) / double(kHour));
    tail.until = cut;
    out.hours.push_back(tail);
    return out;
}

[[noreturn]] void cannot_compare(std::string_view compare, Grain grain) {
    throw Error("22023",
                fmt::format("comparison \"{}\" does not fit grain \"{}\"", compare, name(grain)),
                {},
                "Month, quarter and year can be compared with previous and year, month also with "
                "month; week and "
                "same_weekday need grain hour, day, week or total.");
}

std::string_view word_of(Compare compare) {
    for (const CompareWord &entry : kCompares)
        if (entry.compare == compare) return entry.word;
    return "none";
}

std::vector<Bucket> hour_buckets(const Range &range, const Zone &zone, size_t most) {
    std::vector<Bucket> out;
    Timestamp hour = hour_start(range.from, zone);
    while (hour < range.to) {
        if (out.size() == most) break;
        const Timestamp next = next_hour(hour, zone);
        out.push_back({date_of(zone.local(std::max(hour, range.from))), hour, next, hour, next});
        hour = next;
    }
    return out;
}

}  // namespace

Grain parse_grain(std::string_view word) {
    for (const GrainWord &entry : kGrains)
        if (entry.word == word || entry.adverb == word) return entry.grain;
    throw Error("22023", fmt::format("grain \"{}\" does not exist", word), {},
                "Use hour, day, week (ISO), month, quarter, year or total.");
}

std::string_view name(Grain grain) {
    for (const GrainWord &entry : kGrains)
        if (entry.grain == grain) return entry.word;
    return "total";
}

Compare parse_compare(std::optional<std::string_view> word) {
    if (!word) return Compare::none;
    for (const CompareWord &entry : kCompares)
        if (entry.word == *word) return entry.compare;
    throw Error("22023", fmt::format("comparison \"{}\" does not exist", *word), {},
                "Use previous, same_weekday, week, month or year.");
}

Bucket bucket_at(Grain grain, Timestamp at_time, const Zone &zone) {
    if (grain == Grain::total)
        throw Error("22023", "grain \"total\" has no bucket of its own", {},
                    "Use hour, day, week (ISO), month, quarter or year.");
    const Date day = date_of(zone.local(at_time));
    if (grain == Grain::hour) {
        const Timestamp hour = hour_start(at_time, zone);
        const Timestamp next = next_hour(hour, zone);
        return {day, hour, next, hour, next};
    }
    const Date start = bucket_start(grain, day);
    const Timestamp from = day_start(start, zone);
    const Timestamp to = day_start(bucket_end(grain, start), zone);
    return {start, from, to, from, to};
}

std::vector<Bucket> buckets(Grain grain, const Range &range, const Zone &zone, size_t most) {
    std::vector<Bucket> out;
    if (grain == Grain::total)
        return {{date_of(range.local_from), range.from, range.to, range.from, range.to}};
    if (grain == Grain::hour) out = hour_buckets(range, zone, most + 1);
    Date start = bucket_start(grain, date_of(range.local_from));
    Timestamp begin = day_start(start, zone);
    while (grain != Grain::hour && out.size() <= most) {
        if (begin >= range.to) break;
        const Date next = bucket_end(grain, start);
        const Timestamp end = day_start(next, zone);
        out.push_back({start, begin, end, std::max(begin, range.from), std::min(end, range.to)});
        start = next;
        begin = end;
    }
    if (out.size() > most)
        throw Error("54000",
                    fmt::format("the range has more than {} buckets of one {}", most, name(grain)),
                    {}, "Ask for a shorter range or a longer grain.");
    return out;
}

bool is_open(const Bucket &bucket, Timestamp now) { return bucket.from <= now && now < bucket.to; }

bool is_complete(const Bucket &bucket, Timestamp now) {
    return bucket.from == bucket.start && bucket.to == bucket.end && bucket.end <= now;
}

double elapsed(const Bucket &bucket, Timestamp now) {
    const int64_t past = std::min(bucket.to, now).microseconds - bucket.from.microseconds;
    const int64_t length = bucket.end.microseconds - bucket.start.microseconds;
    if (past <= 0 || length <= 0) return 0;
    return double(past) / double(length);
}

Slice slice(Grain grain, const Bucket &bucket, const Zone &zone) {
    if (grain != Grain::hour) return slice_between(bucket.from, bucket.to, zone);
    Slice out;
    out.hours.push_back({bucket.day, bucket.from, bucket.to});
    return out;
}

Pairing::Pairing(Compare compare, Grain grain, const Range &range, size_t bucket_count,
                 Timestamp now, const Zone &zone)
    : compare_(compare), grain_(grain), now_(now), zone_(zone) {
    const bool by_months = months_of(grain) > 0;
    const Edge from = edge(range.from, zone);
    const Edge to = edge(range.to, zone);
    const int length = std::max(1, to.day - from.day + (to.time > from.time ? 1 : 0));
    switch (compare) {
        case Compare::none:
            return;
        case Compare::week:
        case Compare::same_weekday:
            if (by_months) cannot_compare(word_of(compare), grain);
            days_ = compare == Compare::same_weekday && grain == Grain::total ? (length + 6) / 7 * 7
                                                                              : 7;
            return;
        case Compare::month:
            if (months_of(grain) > 1) cannot_compare(word_of(compare), grain);
            months_ = 1;
            return;
        case Compare::year:
            months_ = 12;
            return;
        case Compare::previous:
            break;
    }
    if (by_months) {
        months_ = int(bucket_count) * months_of(grain);
    } else if (grain == Grain::week) {
        days_ = int(bucket_count) * 7;
    } else if (grain == Grain::total && is_first_of_month(from) && is_first_of_month(to)) {
        const Civil a = civil(from.day);
        const Civil b = civil(to.day);
        months_ = (b.year - a.year) * 12 + b.month - a.month;
    } else {
        days_ = length;
    }
}

// A week moves to a week: the one that holds its Thursday a month earlier, or the one of the same
// number a year earlier.
Date Pairing::shift_week(Date day) const {
    const Date start = week_start(day);
    const IsoWeek week = iso_week(start);
    const Date target =
        months_ == 12 ? start_of({week.year - 1, std::min(week.week, iso_weeks(week.year - 1))})
                      : week_start(add_months(start + 3, -months_));
    return target + (day - start);
}

Date Pairing::shift(Date day) const {
    if (months_ == 0) return day + -days_;
    return grain_ == Grain::week ? shift_week(day) : add_months(day, -months_);
}

std::optional<Slice> Pairing::counterpart(const Bucket &bucket) const {
    if (compare_ == Compare::none || bucket.from > now_) return std::nullopt;
    const Edge from = edge(bucket.from, zone_);
    const Timestamp start = at({shift(from.day), from.time}, zone_);
    if (is_open(bucket, now_)) {
        const Edge cut = edge(now_, zone_);
        const Timestamp end = at({shift(cut.day), cut.time}, zone_);
        if (grain_ != Grain::hour) return slice_until(start, end, zone_);
        const Timestamp hour = hour_start(start, zone_);
        const double share = double(end.microseconds - hour.microseconds) / double(kHour);
        return Slice{{},
                     {},
                     {{shift(from.day), hour, next_hour(hour, zone_), hour,
                       std::clamp(share, 0.0, 1.0), end}}};
    }
    if (grain_ == Grain::hour) {
        const Timestamp hour = hour_start(start, zone_);
        return Slice{{}, {}, {{date_of(zone_.local(start)), hour, next_hour(hour, zone_)}}};
    }
    const Edge to = edge(bucket.to, zone_);
    Timestamp end;
    if (to.time != 0)
        end = at({shift(to.day), to.time}, zone_);
    else if (is_first_of_month(from) && is_first_of_month(to) && grain_ != Grain::week)
        end = day_start(shift(to.day), zone_);
    else
        end = day_start(shift(to.day + -1) + 1, zone_);
    return slice_between(start, end, zone_);
}

Slice so_far(const Bucket &bucket, Timestamp now, int weeks, const Zone &zone) {
    const Edge from = edge(bucket.from, zone);
    const Edge cut = edge(now, zone);
    return slice_until(at({from.day + -7 * weeks, from.time}, zone),
                       at({cut.day + -7 * weeks, cut.time}, zone), zone);
}

}  // namespace kpi
