#include "monitor/incident/links.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.hpp"
#include "monitor/incident/people.hpp"
#include "monitor/incident/tell.hpp"
#include "monitor/incident/token.hpp"
#include "pg/rows.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"

namespace kpi::monitor {
namespace {

constexpr std::int64_t kSecond = 1'000'000, kEpoch = 946'684'800;  // 2000 in unix seconds
constexpr std::int64_t kLifetime = 72 * 3600;                      // an alarm of Friday, on Monday
constexpr std::array<int, 2> kHours = {4, 24};                     // of silence, in messages

std::int64_t unix_second(std::int64_t now) { return now / kSecond + kEpoch; }

std::optional<std::string> key() {
    return pg::bytes_value("SELECT key FROM kpi.link_key", {}, {.keep = pg::Keep::yes});
}

// Without the slash at its end; empty: there is none.
std::string public_url() {
    const char *setting = pg::settings().public_url;
    std::string url = setting == nullptr ? "" : setting;
    while (url.ends_with('/')) url.pop_back();
    return url;
}

std::string url_of(const std::string &base, const std::string &key, std::int64_t incident, Act act,
                   std::int64_t now) {
    const std::string token = token_of(key, {act, incident, unix_second(now) + kLifetime});
    return fmt::format("{}/incidents/act?token={}", base, token);
}

Claim trusted(const std::string &token) {
    const auto known = key();
    // Without a key nothing was signed.
    return claim_of(known.value_or(""), known ? token : "", unix_second(pg::now()));
}

bool acts_on(Phase phase) { return phase == Phase::firing || phase == Phase::acknowledged; }

void demand_open(const Incident &incident) {
    if (acts_on(incident.life.phase)) return;
    throw Error("55000",
                fmt::format("incident {} is {}", incident.id, phase_name(incident.life.phase)), {},
                "Only an incident that fires can be acknowledged or snoozed.");
}

std::string shown(const Claim &claim, const std::string &token) {
    const Cell found = pg::value(
        R"(
SELECT pg_catalog.jsonb_build_object('incident', i.id, 'title', i.title, 'severity', i.severity, 'state', i.state, 'since', i.fired_at,
           'acknowledged_by', i.acknowledged_by, 'action', $3, 'hours', nullif($4, 0), 'done', e.at IS NOT NULL,
           'until', CASE WHEN $4 > 0 THEN coalesce((e.details ->> 'until')::pg_catalog.timestamptz, $5 + $4 * interval '1 hour') END,
           'expires_at', pg_catalog.to_timestamp($6), 'language', $7)
  FROM kpi.incident i
  LEFT JOIN kpi.incident_event e ON e.incident = i.id AND e.details ->> 'link' = $2
 WHERE i.id = $1)",
        {claim.incident, mark_of_token(token), std::string(claim.act.name()),
         std::int64_t(claim.act.hours), Timestamp{pg::now()}, double(claim.expires_at),
         std::string(language() == Language::spanish ? "es" : "en")});
    if (!found)
        throw Error("42704", fmt::format("incident {} of the link does not exist", claim.incident));
    return *found;
}

bool was_followed(const Claim &claim, const std::string &mark) {
    return pg::value(
               "SELECT true FROM kpi.incident_event WHERE incident = $1 AND details ->> "
               "'link' = $2 LIMIT 1",
               {claim.incident, mark}) == "t";
}

}  // namespace

std::vector<Link> links_of(const Incident &incident, Tiding tiding, std::int64_t now) {
    std::vector<Link> links;
    const std::string base = public_url();
    if (base.empty() || tiding == Tiding::resolved || tiding == Tiding::acknowledged) return links;
    const auto known = key();
    if (!known) return links;
    const auto add = [&](Act act) {
        links.push_back({act.hours, url_of(base, *known, incident.id, act, now)});
    };
    add({});
    if (tiding == Tiding::snoozed) return links;
    for (const int hours : kHours) add({hours});
    return links;
}

std::string incident_link(ObjectId caller, std::int64_t id, const std::string &action) {
    const Act act = act_of(action);
    const Incident incident = incident_of_caller(id, caller, Grip::seen);
    demand_open(incident);
    const std::string base = public_url();
    if (base.empty())
        throw Error("55000", "kpi.public_url is not set", {},
                    "A superuser sets it to the address of kpi_web: ALTER DATABASE ... SET "
                    "kpi.public_url = 'https://kpi.example.com'.");
    const auto known = key();
    if (!known)
        throw Error("55000", "there is no key to sign links with", {},
                    "SELECT kpi.rotate_link_key() makes one.");
    return url_of(base, *known, id, act, pg::now());
}

std::string read_link(const std::string &token) { return shown(trusted(token), token); }

std::string follow_link(const std::string &token) {
    const Claim claim = trusted(token);
    Incident incident = incident_by_id(claim.incident);
    const std::string mark = mark_of_token(token);
    if (!was_followed(claim, mark)) {
        demand_open(incident);
        const By by{std::string(kByLink), mark};
        if (claim.act.hours == 0)
            take(incident, by);
        else
            snooze(incident, by, claim.act.hours);
    }
    return shown(claim, token);
}

}  // namespace kpi::monitor
