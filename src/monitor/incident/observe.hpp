// Looking at a problem once: its incident is opened, kept or closed, and what is to be said about
// it is queued, in the caller's transaction. Needs an open Spi and the rights of the extension's
// owner.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "monitor/incident/record.hpp"

namespace kpi::monitor {

struct Observation {
    std::string fingerprint, kind, title, severity = "warning";
    std::string details = "{}", segment = "{}", labels = "{}";  // JSON objects
    std::optional<std::string> rule, assignee;
    std::vector<std::string> sinks, later_sinks;  // later: when it escalates
    ObjectId role;
    Seen seen = Seen::bad;
    Terms terms;
    // Of another incident, which speaks for this one.
    std::optional<std::int64_t> parent;
    // Writes labels, title and details, where that costs something: called when one is needed,
    // which is once a minute for a problem that stays as it is.
    std::function<void(Observation &)> complete;
    // Details that are worth a query when somebody is told.
    std::function<std::string()> elaborate;
};

// `incident`: the open one, or one without id. Saves it and tells what is to be told; returns it as
// it is then (its phase is none or resolved when all is well).
Incident look(Incident incident, Observation seen, std::int64_t now);
// The same for whoever does not hold the incident: found by its fingerprint. nullopt: all is well.
// Errors: 22023 for an unknown kind or severity and an empty fingerprint.
std::optional<std::int64_t> observe(const Observation &seen, std::int64_t now);
// The rule is gone or switched off: nothing is watched any more.
void close_incidents_of(const std::string &rule, std::int64_t now);
// What is due for incidents that nobody looks at in this moment: the end of a silence.
void tend(std::int64_t now);

}  // namespace kpi::monitor
