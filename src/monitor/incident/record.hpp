// Incidents as rows of kpi.incident. Needs an open Spi and the rights of the extension's owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "monitor/judge/life.hpp"

namespace kpi::monitor {

struct Incident {
    std::int64_t id = 0;  // 0: no row yet
    std::string fingerprint, kind, title, severity;
    std::string details = "{}", segment = "{}", labels = "{}";  // JSON objects
    std::optional<std::string> rule, assignee, acknowledged_by;
    std::vector<std::string> sinks;
    ObjectId role;
    std::optional<std::int64_t> parent;
    Life life;
    std::int64_t seen_at = 0;  // when the row was last written
};

// Open ones, locked; the order is that of their ids.
std::optional<Incident> open_incident(const std::string &fingerprint);
std::vector<Incident> open_incidents_of(const std::string &rule);
// Those that rules do not look after: kinds other than rule and error, firing.
std::vector<Incident> open_incidents_of_others();
// Any one, locked. Errors: 42704 with where to look, 42501 when the caller may not run it.
// Held: no other transaction changes it until this one ends. Merely seen it can be in a read-only
// transaction too.
enum class Grip { held, seen };
Incident incident_by_id(std::int64_t id, Grip grip = Grip::held);
Incident incident_of_caller(std::int64_t id, ObjectId caller, Grip grip = Grip::held);

// Writes the row; a life that ended before it fired deletes it. A new incident gets its id, or is
// left without one when another transaction has just opened the same.
void save(Incident &incident);
void add_event(std::int64_t incident, std::int64_t at, const char *kind,
               const std::optional<std::string> &by = std::nullopt,
               const std::optional<std::string> &text = std::nullopt,
               const std::string &details = "{}");

// What a list of open incidents shows. `mark` differs when that does, whoever changed it, but not
// when figures of one are brought up to date.
struct Board {
    int firing = 0;  // with those that are acknowledged; followers of another do not count
    std::string mark;
};
Board board();

// Whether a silence holds for an incident of this role with these labels, or for this very one.
bool is_silenced(std::int64_t incident, const std::string &labels, ObjectId role, std::int64_t now);
const char *phase_name(Phase phase);

}  // namespace kpi::monitor
