#include "monitor/events.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/dates.hpp"
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

constexpr int kMostDays = 366;

[[noreturn]] void refuse_length() {
    throw Error("22023", fmt::format("an event lasts at most {} days", kMostDays), {},
                "Enter it once for each year, with the same name.");
}

bool is_finite(Timestamp time) {
    return time.microseconds != INT64_MIN && time.microseconds != INT64_MAX;
}

void check_hours(Timestamp start, Timestamp end) {
    if (!is_finite(start) || !is_finite(end))
        throw Error("22023", "start_at and end_at must be finite");
    if (end.microseconds <= start.microseconds)
        throw Error("22023", "end_at must be later than start_at", {},
                    "end_at is the moment when it is over; NULL means an hour after start_at.");
    if (start.microseconds < end.microseconds - kMostDays * kDay) refuse_length();
}

void check_start(const NewEvent &event) {
    if (event.start_at && (event.start_on || event.end_on))
        throw Error("22023", "an event cannot have both days and hours", {},
                    "Give start_on and end_on, or start_at and end_at.");
    if (event.end_at && !event.start_at)
        throw Error("22023", "end_at cannot be without start_at", {},
                    "An event of days has start_on and end_on.");
    if (!event.start_at && !event.start_on)
        throw Error("22004", "argument \"start_on\" must not be null", {},
                    "An event of hours has start_at instead.");
}

void check_days(Date start_on, Date end_on) {
    const int last = end_on.days;
    if (start_on.days == INT32_MIN || start_on.days == INT32_MAX || last == INT32_MIN ||
        last == INT32_MAX)
        throw Error("22023", "start_on and end_on must be finite dates");
    if (last < start_on.days)
        throw Error("22023", "end_on is earlier than start_on", {},
                    "end_on is the last day of the event; NULL means one day.");
    if (int64_t(last) - start_on.days >= kMostDays) refuse_length();
}

Cell enter_days(const NewEvent &event, const std::string &effect) {
    const Date end_on = event.end_on.value_or(*event.start_on);
    check_days(*event.start_on, end_on);
    return pg::value(
        R"(
INSERT INTO kpi.event AS e (name, kind, days, scope, effect)
VALUES ($1, $2, pg_catalog.daterange($3, $4, '[]'), $5, $6)
    ON CONFLICT (name, days, scope, hours) DO UPDATE SET kind = excluded.kind, effect = excluded.effect
RETURNING e.id)",
        {event.name, event.kind, *event.start_on, end_on, Json{event.scope}, effect});
}

Cell enter_hours(const NewEvent &event, const std::string &effect) {
    const Timestamp end = event.end_at.value_or(Timestamp{event.start_at->microseconds + kHour});
    check_hours(*event.start_at, end);
    return pg::value(
        R"(
INSERT INTO kpi.event AS e (name, kind, days, scope, effect, hours)
VALUES ($1, $2, pg_catalog.daterange(($3 AT TIME ZONE 'UTC')::pg_catalog.date, (($4 - interval '1 microsecond') AT TIME ZONE 'UTC')::pg_catalog.date, '[]'), $5, $6, pg_catalog.tstzrange($3, $4))
    ON CONFLICT (name, days, scope, hours) DO UPDATE SET kind = excluded.kind, effect = excluded.effect
RETURNING e.id)",
        {event.name, event.kind, *event.start_at, end, Json{event.scope}, effect});
}

}  // namespace

void forget_outlooks() { pg::execute("DELETE FROM kpi.rule_memory"); }

int64_t add_event(const NewEvent &event) {
    if (event.name.empty())
        throw Error("22023", "name must not be empty", {},
                    "Days of one kind have one name, by which their effect is learnt.");
    check_one_of("kind", event.kind, {"holiday", "promotion", "deploy", "incident"});
    check_start(event);
    check_scope(event.scope);
    const bool strong = event.kind == "holiday" || event.kind == "promotion";
    const std::string effect = event.effect.value_or(strong ? "widen" : "annotate");
    check_effect(effect);
    const Cell id = event.start_at ? enter_hours(event, effect) : enter_days(event, effect);
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
    ON CONFLICT (name, days, scope, hours) DO NOTHING)",
        {request.country, int64_t(from), int64_t(to), Json{request.scope}, request.effect});
}

}  // namespace kpi::monitor
