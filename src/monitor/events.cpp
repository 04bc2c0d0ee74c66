#include "monitor/events.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

constexpr int kFirstYear = 1800;
constexpr int kLastYear = 2200;

void check_one_of(const char *argument, const std::string &value,
                  const std::vector<std::string> &allowed) {
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
    throw Error("22023", fmt::format("{} cannot be \"{}\"", argument, value), {},
                fmt::format("Use one of {}.", quoted_list(allowed)));
}

void check_effect(const std::string &effect) {
    check_one_of("effect", effect, {"ignore", "widen", "annotate"});
}

void check_scope(const std::string &scope) {
    if (!scope.empty() && scope[0] == '{') return;
    throw Error("22023", "scope must be a JSON object", {},
                "For example {\"country\": \"MX\"}; {} is everywhere.");
}

void check_days(const NewEvent &event) {
    const int last = event.end_on.value_or(event.start_on).days;
    if (event.start_on.days == INT32_MIN || event.start_on.days == INT32_MAX || last == INT32_MIN ||
        last == INT32_MAX)
        throw Error("22023", "start_on and end_on must be finite dates");
    if (last < event.start_on.days)
        throw Error("22023", "end_on is earlier than start_on", {},
                    "end_on is the last day of the event; NULL means one day.");
    if (int64_t(last) - event.start_on.days >= 366)
        throw Error("22023", "an event lasts at most 366 days", {},
                    "Enter it once for each year, with the same name.");
}

}  // namespace

void forget_outlooks() { pg::execute("DELETE FROM kpi.rule_memory"); }

int64_t add_event(const NewEvent &event) {
    if (event.name.empty())
        throw Error("22023", "name must not be empty", {},
                    "Days of one kind have one name, by which their effect is learnt.");
    check_one_of("kind", event.kind, {"holiday", "promotion", "deploy", "incident"});
    check_days(event);
    check_scope(event.scope);
    const bool strong = event.kind == "holiday" || event.kind == "promotion";
    const std::string effect = event.effect.value_or(strong ? "widen" : "annotate");
    check_effect(effect);
    const Cell id = pg::value(
        R"(
INSERT INTO kpi.event AS e (name, kind, days, scope, effect)
VALUES ($1, $2, pg_catalog.daterange($3, $4, '[]'), $5, $6)
    ON CONFLICT ON CONSTRAINT event_name_days_scope_key
    DO UPDATE SET kind = excluded.kind, effect = excluded.effect
RETURNING e.id)",
        {event.name, event.kind, event.start_on, event.end_on.value_or(event.start_on),
         Json{event.scope}, effect});
    forget_outlooks();
    return std::stoll(*id);
}

int64_t load_holidays(const HolidayRequest &request) {
    check_scope(request.scope);
    check_effect(request.effect);
    const int now = std::stoi(*pg::value("SELECT pg_catalog.date_part('year', pg_catalog.now())"));
    const int from = request.from_year.value_or(now - 3);
    const int to = request.to_year.value_or(now + 1);
    if (from < kFirstYear || to > kLastYear)
        throw Error("22023", fmt::format("holidays are known from {} to {}, not from {} to {}",
                                         kFirstYear, kLastYear, from, to));
    if (to < from)
        throw Error("22023", fmt::format("to_year {} is earlier than from_year {}", to, from));
    forget_outlooks();
    return pg::execute(
        R"(
INSERT INTO kpi.event (name, kind, days, scope, effect)
SELECT h.name, 'holiday', pg_catalog.daterange(h.day, h.day, '[]'), $4, $5
  FROM pg_catalog.generate_series($2::int4, $3::int4) y, kpi._holidays($1, y) h
    ON CONFLICT ON CONSTRAINT event_name_days_scope_key DO NOTHING)",
        {request.country, int64_t(from), int64_t(to), Json{request.scope}, request.effect});
}

}  // namespace kpi::monitor
