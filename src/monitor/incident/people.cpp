#include "monitor/incident/people.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/dates.hpp"
#include "core/error.hpp"
#include "monitor/events.hpp"
#include "monitor/incident/record.hpp"
#include "monitor/incident/tell.hpp"
#include "pg/bell.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"

namespace kpi::monitor {
namespace {

std::string name_of(ObjectId role) {
    return pg::value("SELECT rolname FROM pg_catalog.pg_roles WHERE oid = $1", {role})
        .value_or("?");
}

std::string details_of(const By &by) {
    return by.link.empty() ? "{}" : nlohmann::json{{"link", by.link}}.dump();
}

void demand_text(const char *argument, const std::string &text) {
    if (text.empty()) throw Error("22023", fmt::format("{} must not be empty", argument));
}

// The hours that an hourly rule found bad. A rule on closed hours sees each when it is over.
void enter_hours(const Incident &incident, const std::string &zone, bool closed) {
    const bool over = incident.life.ended != 0;
    pg::execute(
        R"(
INSERT INTO kpi.event (name, kind, days, scope, effect, hours)
SELECT $1, 'incident', pg_catalog.daterange((h.first AT TIME ZONE $5)::pg_catalog.date, ((h.last - interval '1 microsecond') AT TIME ZONE $5)::pg_catalog.date, '[]'),
       $2, 'ignore', pg_catalog.tstzrange(h.first, h.last)
  FROM (SELECT t.first, greatest(t.first + interval '1 hour', least(t.last, t.first + interval '365 days')) AS last
          FROM (SELECT pg_catalog.date_trunc('hour', $3, $5) + $6 * interval '1 hour' AS first,
                       pg_catalog.date_trunc('hour', $4, $5) + $7 * interval '1 hour' AS last) t) h
    ON CONFLICT (name, days, scope, hours) DO NOTHING)",
        {fmt::format("expected: {}", incident.title), Json{incident.segment},
         Timestamp{incident.life.started}, Timestamp{over ? incident.life.ended : pg::now()}, zone,
         std::int64_t(closed ? -1 : 0), std::int64_t(!closed ? 1 : (over ? -1 : 0))});
}

// The days of the buckets that were bad, in the time zone of the metric. A rule on closed buckets
// sees each when it is over: what it opens and ends at is in the bucket after.
void enter_days(const Incident &incident, const std::string &zone, const std::string &grain,
                bool closed) {
    const bool over = incident.life.ended != 0;
    pg::execute(
        R"(
INSERT INTO kpi.event (name, kind, days, scope, effect)
SELECT $1, 'incident', pg_catalog.daterange(d.first, greatest(d.least, least(d.last, d.first + 365)), '[)'), $2, 'ignore'
  FROM (SELECT (b.first - b.back)::pg_catalog.date AS first, (b.first - b.back + b.one)::pg_catalog.date AS least,
               CASE WHEN NOT $7 THEN ($4 AT TIME ZONE $5)::pg_catalog.date + 1
                    WHEN $8 THEN (b.last - b.one)::pg_catalog.date ELSE b.last::pg_catalog.date END AS last
          FROM (SELECT pg_catalog.date_trunc($6, $3 AT TIME ZONE $5) AS first, pg_catalog.date_trunc($6, $4 AT TIME ZONE $5) AS last, o.one,
                       CASE WHEN $7 THEN o.one ELSE interval '0' END AS back
                  FROM (SELECT ('1 ' || $6)::pg_catalog.interval AS one) o) b) d
    ON CONFLICT (name, days, scope, hours) DO NOTHING)",
        {fmt::format("expected: {}", incident.title), Json{incident.segment},
         Timestamp{incident.life.started}, Timestamp{over ? incident.life.ended : pg::now()}, zone,
         grain, closed, over});
}

void enter_calendar(const Incident &incident) {
    const auto details = nlohmann::json::parse(incident.details);
    const std::string zone = details.value("timezone", "UTC");
    const std::string grain = details.value("grain", "day");
    const bool closed = details.value("buckets", "open") == "closed";
    if (grain == "hour")
        enter_hours(incident, zone, closed);
    else
        enter_days(incident, zone, grain, closed);
    forget_outlooks();
}

}  // namespace

void take(Incident &incident, const By &by) {
    if (incident.life.phase == Phase::acknowledged) return;
    const std::int64_t now = pg::now();
    incident.life.phase = Phase::acknowledged;
    incident.acknowledged_by = by.name;
    save(incident);
    add_event(incident.id, now, "acknowledged", by.name, std::nullopt, details_of(by));
    tell_acknowledged(incident, now);
}

void snooze(Incident &incident, const By &by, int hours) {
    const std::int64_t now = pg::now();
    const Timestamp until{now + hours * kHour};
    const Cell silence = pg::value(
        "INSERT INTO kpi.silence (matcher, until, why, role, incident) VALUES ('{}', $1, $2, $3, "
        "$4) RETURNING id",
        {until, fmt::format("snoozed by {}", by.name), incident.role, incident.id});
    // It says so when it still fires at the end, whether or not a repeat was due before.
    if (incident.life.phase == Phase::firing) incident.life.muted = true;
    save(incident);
    auto details = nlohmann::json::parse(details_of(by));
    details["until"] = iso(until);
    details["silence"] = std::stoll(*silence);
    add_event(incident.id, now, "snoozed", by.name, fmt::format("{} h", hours), details.dump());
    tell_snoozed(incident, until, now);
}

void acknowledge(ObjectId caller, std::int64_t id) {
    const std::string who = name_of(caller);
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    Incident incident = incident_of_caller(id, caller);
    if (incident.life.phase == Phase::acknowledged) return;
    if (incident.life.phase != Phase::firing)
        throw Error("55000", fmt::format("incident {} is {}", id, phase_name(incident.life.phase)),
                    {}, "Only an incident that fires can be acknowledged; see kpi.open_incident.");
    take(incident, {who, {}});
}

void assign(ObjectId caller, std::int64_t id, const std::string &assignee) {
    demand_text("assignee", assignee);
    const std::string who = name_of(caller);
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    Incident incident = incident_of_caller(id, caller);
    incident.assignee = assignee;
    save(incident);
    add_event(id, pg::now(), "assigned", who, assignee);
}

void comment(ObjectId caller, std::int64_t id, const std::string &text) {
    demand_text("text", text);
    const std::string who = name_of(caller);
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    (void)incident_of_caller(id, caller);
    add_event(id, pg::now(), "comment", who, text);
}

void give_feedback(ObjectId caller, std::int64_t id, const std::string &verdict) {
    if (verdict != "true" && verdict != "false_alarm" && verdict != "expected")
        throw Error("22023", fmt::format("verdict cannot be \"{}\"", verdict), {},
                    "Use true, false_alarm or expected.");
    const std::string who = name_of(caller);
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const Incident incident = incident_of_caller(id, caller);
    pg::execute("UPDATE kpi.incident SET feedback = $2 WHERE id = $1", {id, verdict});
    add_event(id, pg::now(), "feedback", who, verdict);
    if (verdict == "expected") enter_calendar(incident);
}

std::int64_t silence(ObjectId caller, const std::string &matcher, Timestamp until,
                     const std::string &why) {
    if (matcher.empty() || matcher[0] != '{')
        throw Error("22023", "matcher must be a JSON object", {},
                    "For example {\"rule\": \"LowRevenue\", \"country\": \"MX\"}; {} is every "
                    "incident of yours.");
    demand_text("why", why);
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    if (until.microseconds <= pg::now())
        throw Error("22023", "until must be in the future", {},
                    "For example now() + interval '2 hours'.");
    pg::ring_at_commit();
    return std::stoll(
        *pg::value("INSERT INTO kpi.silence (matcher, until, why, role) VALUES ($1, $2, $3, "
                   "$4) RETURNING id",
                   {Json{matcher}, until, why, caller}));
}

bool drop_silence(ObjectId caller, std::int64_t id) {
    const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const Table found = pg::query(
        "SELECT kpi._may_run($2, role) FROM kpi.silence WHERE id = $1 FOR UPDATE", {id, caller});
    if (found.empty()) return false;
    if (found.rows[0][0] != "t")
        throw Error("42501", fmt::format("silence {} belongs to another role", id), {},
                    "Its role may drop it, or a member of kpi_operator.");
    pg::execute("DELETE FROM kpi.silence WHERE id = $1", {id});
    pg::ring_at_commit();
    return true;
}

}  // namespace kpi::monitor
