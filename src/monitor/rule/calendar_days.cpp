#include "monitor/rule/calendar_days.hpp"

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

}  // namespace

CalendarDays::CalendarDays(const Bucket &first, const Bucket &last) {
    for (const Row &row :
         pg::query("SELECT e.name, e.effect, e.scope, e.day - '2000-01-01'::pg_catalog.date FROM "
                   "kpi.event_day e WHERE e.hours IS NULL AND e.day BETWEEN $1 AND $2 ORDER BY "
                   "e.day, e.scope = '{}', e.name",
                   {first.day, last.day}, kOften)
             .rows) {
        Entry entry = entry_of(row.data());
        has_scopes_ = has_scopes_ || !entry.scope.empty();
        days_[std::stoi(*row[3])].push_back(std::move(entry));
    }
    for (const Row &row :
         pg::query("SELECT e.name, e.effect, e.scope, (EXTRACT(epoch FROM "
                   "pg_catalog.lower(e.hours)) * 1000000)::pg_catalog.int8 - 946684800000000, "
                   "(EXTRACT(epoch FROM pg_catalog.upper(e.hours)) * 1000000)::pg_catalog.int8 - "
                   "946684800000000 FROM kpi.event e WHERE NOT pg_catalog.lower_inf(e.hours) AND "
                   "e.hours && pg_catalog.tstzrange($1, $2) ORDER BY e.scope = '{}', e.name",
                   {first.start, last.end}, kOften)
             .rows) {
        Hours hours{std::stoll(*row[3]), std::stoll(*row[4]), entry_of(row.data()),
                    entry_of(row.data())};
        hours.annotation.effect = detect::Effect::annotate;
        has_scopes_ = has_scopes_ || !hours.exact.scope.empty();
        hours_.push_back(std::move(hours));
    }
}

const Entry *CalendarDays::of_hours(const Bucket &bucket, Grain grain,
                                    const nlohmann::json &segment) const {
    for (const Hours &hours : hours_)
        if (hours.from < bucket.end.microseconds && bucket.start.microseconds < hours.to &&
            is_about(hours.exact, segment))
            return grain == Grain::hour ? &hours.exact : &hours.annotation;
    return nullptr;
}

const Entry *CalendarDays::of_day(Date day, const nlohmann::json &segment) const {
    const auto found = days_.find(day.days);
    if (found == days_.end()) return nullptr;
    for (const Entry &entry : found->second)
        if (is_about(entry, segment)) return &entry;
    return nullptr;
}

const Entry *CalendarDays::entry(const Bucket &bucket, Grain grain,
                                 const nlohmann::json &segment) const {
    const Entry *timed = of_hours(bucket, grain, segment);
    if (grain == Grain::hour && timed != nullptr) return timed;
    const Entry *whole = of_day(bucket.day, segment);
    return whole != nullptr ? whole : timed;
}

}  // namespace kpi::monitor
