#include "monitor/rule/calendar_days.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "detect/request.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {

namespace {

constexpr pg::Options kOften{.access = pg::Access::read_only, .keep = pg::Keep::yes};

// name, effect, scope
Entry entry_of(const Cell *row) {
    return {*row[0], detect::effect_by_name(*row[1]), detect::event_id(*row[0]),
            nlohmann::json::parse(*row[2])};
}

bool is_about(const Entry &entry, const nlohmann::json &segment) {
    bool about = true;
    for (const auto &[key, value] : entry.scope.items())
        about = about && segment.is_object() && segment.contains(key) && segment[key] == value;
    return about;
}

// Its last local day: a day of 23 or 25 hours is one too.
Date last_day(const Bucket &bucket) {
    constexpr double kDay = 86'400e6;
    const auto length = double(bucket.end.microseconds - bucket.start.microseconds);
    return {bucket.day.days + std::max(1, int(std::lround(length / kDay))) - 1};
}

}  // namespace

CalendarDays::Listed::Listed(Entry entry) : exact(std::move(entry)), annotation(exact) {
    annotation.effect = detect::Effect::annotate;
}

CalendarDays::CalendarDays(const Bucket &first, const Bucket &last) {
    for (const Row &row :
         pg::query("SELECT e.name, e.effect, e.scope, e.day - '2000-01-01'::pg_catalog.date FROM "
                   "kpi.event_day e WHERE e.hours IS NULL AND e.day BETWEEN $1 AND $2 ORDER BY "
                   "e.day, e.scope = '{}', e.name",
                   {first.day, last_day(last)}, kOften)
             .rows) {
        Entry entry = entry_of(row.data());
        has_scopes_ = has_scopes_ || !entry.scope.empty();
        days_[std::stoi(*row[3])].emplace_back(std::move(entry));
    }
    for (const Row &row :
         pg::query("SELECT e.name, e.effect, e.scope, (EXTRACT(epoch FROM "
                   "pg_catalog.lower(e.hours)) * 1000000)::pg_catalog.int8 - 946684800000000, "
                   "(EXTRACT(epoch FROM pg_catalog.upper(e.hours)) * 1000000)::pg_catalog.int8 - "
                   "946684800000000 FROM kpi.event e WHERE NOT pg_catalog.lower_inf(e.hours) AND "
                   "e.hours && pg_catalog.tstzrange($1, $2) ORDER BY e.scope = '{}', e.name",
                   {first.start, last.end}, kOften)
             .rows) {
        hours_.push_back({std::stoll(*row[3]), std::stoll(*row[4]), Listed(entry_of(row.data()))});
        has_scopes_ = has_scopes_ || !hours_.back().entry.exact.scope.empty();
    }
}

const CalendarDays::Listed *CalendarDays::of_hours(const Bucket &bucket,
                                                   const nlohmann::json &segment) const {
    for (const Hours &hours : hours_)
        if (hours.from < bucket.end.microseconds && bucket.start.microseconds < hours.to &&
            is_about(hours.entry.exact, segment))
            return &hours.entry;
    return nullptr;
}

const CalendarDays::Listed *CalendarDays::of_day(Date day, const nlohmann::json &segment) const {
    const auto found = days_.find(day.days);
    if (found == days_.end()) return nullptr;
    for (const Listed &entry : found->second)
        if (is_about(entry.exact, segment)) return &entry;
    return nullptr;
}

const Entry *CalendarDays::of_days(const Bucket &bucket, const nlohmann::json &segment) const {
    const Listed *first = nullptr;
    bool ignored = true;
    for (Date day = bucket.day; day.days <= last_day(bucket).days; ++day.days) {
        const Listed *one = of_day(day, segment);
        ignored = ignored && one != nullptr && one->exact.effect == detect::Effect::ignore;
        if (first == nullptr) first = one;
    }
    if (first == nullptr) return nullptr;
    return ignored ? &first->exact : &first->annotation;
}

const Entry *CalendarDays::entry(const Bucket &bucket, Grain grain,
                                 const nlohmann::json &segment) const {
    if (days_.empty() && hours_.empty()) return nullptr;
    const Listed *timed = of_hours(bucket, segment);
    if (grain == Grain::hour && timed != nullptr) return &timed->exact;
    if (grain == Grain::hour || grain == Grain::day) {
        if (const Listed *whole = of_day(bucket.day, segment)) return &whole->exact;
    } else if (const Entry *whole = of_days(bucket, segment)) {
        return whole;
    }
    return timed != nullptr ? &timed->annotation : nullptr;
}

}  // namespace kpi::monitor
