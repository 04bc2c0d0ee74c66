#include "monitor/incident/observe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "monitor/incident/tell.hpp"

namespace kpi::monitor {
namespace {

constexpr std::int64_t kMinute = 60'000'000;

void check_one_of(const char *argument, const std::string &value,
                  const std::vector<std::string> &allowed) {
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
    throw Error("22023", fmt::format("{} cannot be \"{}\"", argument, value), {},
                fmt::format("Use one of {}.", quoted_list(allowed)));
}

// New figures; what was written when somebody was told stays.
std::string refreshed(const std::string &before, const std::string &now) {
    auto details = nlohmann::json::parse(before);
    details.update(nlohmann::json::parse(now));
    return details.dump();
}

void complete(Observation &seen) {
    if (const auto write = std::exchange(seen.complete, nullptr)) write(seen);
}

// What is known now; the figures of an incident that is over stay as they were at its end.
void describe(Incident &incident, const Observation &seen, bool telling) {
    incident.fingerprint = seen.fingerprint;
    incident.kind = seen.kind;
    incident.severity = seen.severity;
    incident.segment = seen.segment;
    incident.labels = seen.labels;
    incident.rule = seen.rule;
    incident.role = seen.role;
    incident.sinks = seen.sinks;
    incident.parent = seen.parent;
    if (!incident.assignee) incident.assignee = seen.assignee;
    if (seen.seen != Seen::bad && incident.id != 0) return;
    incident.title = seen.title;
    incident.details =
        refreshed(incident.details, telling && seen.elaborate ? seen.elaborate() : seen.details);
}

// What a silence can match: those given, kind, severity, and the source that the details name.
std::string labels_of(const Observation &seen) {
    auto labels = nlohmann::json::parse(seen.labels);
    const auto details = nlohmann::json::parse(seen.details);
    labels["kind"] = seen.kind;
    labels["severity"] = seen.severity;
    labels["fingerprint"] = seen.fingerprint;
    if (const auto source = details.find("source"); source != details.end() && source->is_string())
        labels["source"] = *source;
    return labels.dump();
}

Observation as_it_is(const Incident &incident) {
    Observation same;
    same.fingerprint = incident.fingerprint;
    same.kind = incident.kind;
    same.severity = incident.severity;
    same.segment = incident.segment;
    same.labels = incident.labels;
    same.rule = incident.rule;
    same.role = incident.role;
    same.sinks = incident.sinks;
    same.parent = incident.parent;
    return same;
}

void note_change(const Incident &incident, Phase before, std::int64_t now) {
    if (incident.id == 0 || incident.life.phase == before) return;
    if (incident.life.phase == Phase::firing) add_event(incident.id, now, "fired");
    if (incident.life.phase == Phase::resolved) add_event(incident.id, now, "resolved");
}

}  // namespace

Incident look(Incident incident, Observation seen, std::int64_t now) {
    const Life before = incident.life;
    const auto parent = incident.parent;
    const bool same = std::tie(incident.sinks, incident.severity, incident.parent) ==
                      std::tie(seen.sinks, seen.severity, seen.parent);
    Voice voice = Voice::speaks;
    if (seen.parent) {
        voice = Voice::quiet;
    } else if (before.open() || seen.seen == Seen::bad) {
        complete(seen);
        voice =
            is_silenced(incident.id, seen.labels, seen.role, now) ? Voice::muted : Voice::speaks;
    }
    const Next next = advance(before, seen.seen, seen.terms, voice, now);
    if (!before.open() && !next.life.open()) return incident;
    // New figures alone are worth a row a minute.
    const bool figures_alone = next.life == before && next.word == Word::none && same;
    if (figures_alone && now - incident.seen_at < kMinute) return incident;
    complete(seen);
    const std::string details = incident.details;
    describe(incident, seen, next.word != Word::none && next.word != Word::resolved);
    incident.life = next.life;
    if (figures_alone && details == incident.details) return incident;
    incident.seen_at = now;
    save(incident);
    if (incident.id == 0) return incident;
    note_change(incident, before.phase, now);
    if (incident.parent != parent)
        add_event(
            incident.id, now, incident.parent ? "joined" : "left", std::nullopt,
            incident.parent ? std::optional(fmt::format("#K-{}", *incident.parent)) : std::nullopt);
    if (next.life.muted && !before.muted) add_event(incident.id, now, "muted");
    if (next.word != Word::none) {
        std::vector<std::string> sinks = seen.sinks;
        if (next.life.escalated)
            sinks.insert(sinks.end(), seen.later_sinks.begin(), seen.later_sinks.end());
        tell(incident, next.word, sinks, now);
    }
    return incident;
}

std::optional<std::int64_t> observe(const Observation &seen, std::int64_t now) {
    if (seen.fingerprint.empty())
        throw Error("22023", "fingerprint must not be empty", {}, "It says what the problem is.");
    check_one_of("kind", seen.kind, {"rule", "error", "data", "probe", "run", "sink"});
    check_one_of("severity", seen.severity, {"info", "warning", "critical"});
    Observation known = seen;
    known.labels = labels_of(seen);
    Incident incident = open_incident(seen.fingerprint).value_or(Incident{});
    incident = look(std::move(incident), known, now);
    if (incident.id == 0 && incident.life.open()) {
        // Somebody else has opened it while we looked.
        if (auto theirs = open_incident(seen.fingerprint))
            incident = look(std::move(*theirs), known, now);
    }
    if (incident.id == 0 || !incident.life.open()) return std::nullopt;
    return incident.id;
}

void close_incidents_of(const std::string &rule, std::int64_t now) {
    std::vector<Incident> open = open_incidents_of(rule);
    if (auto error = open_incident("error:" + rule)) open.push_back(std::move(*error));
    for (Incident &incident : open) {
        Observation over = as_it_is(incident);
        over.seen = Seen::good;
        look(std::move(incident), over, now);
    }
}

void tend(std::int64_t now) {
    for (Incident &incident : open_incidents_of_others()) {
        Observation same = as_it_is(incident);
        same.seen = Seen::unclear;
        look(std::move(incident), same, now);
    }
}

}  // namespace kpi::monitor
