#include "monitor/rule/calendar_days.hpp"

#include "detect/request.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {

CalendarDays::CalendarDays(Date first, Date last) {
    const Table table = pg::query(
        "SELECT e.day - '2000-01-01'::pg_catalog.date, e.name, e.effect, e.scope FROM "
        "kpi.event_day e WHERE e.day BETWEEN $1 AND $2 ORDER BY e.day, e.scope = '{}', e.name",
        {first, last}, {.access = pg::Access::read_only, .keep = pg::Keep::yes});
    for (const Row &row : table.rows) {
        Entry entry{*row[1], detect::effect_by_name(*row[2]), detect::event_id(*row[1]),
                    nlohmann::json::parse(*row[3])};
        has_scopes_ = has_scopes_ || !entry.scope.empty();
        days_[std::stoi(*row[0])].push_back(std::move(entry));
    }
}

const Entry *CalendarDays::entry(Date day, const nlohmann::json &segment) const {
    const auto found = days_.find(day.days);
    if (found == days_.end()) return nullptr;
    for (const Entry &entry : found->second) {
        bool about = true;
        for (const auto &[key, value] : entry.scope.items())
            about = about && segment.is_object() && segment.contains(key) && segment[key] == value;
        if (about) return &entry;
    }
    return nullptr;
}

}  // namespace kpi::monitor
