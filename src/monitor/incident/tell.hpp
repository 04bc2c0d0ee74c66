// Telling people about an incident: a message to each of its sinks is queued, with the rights of
// the incident's role. One that cannot be queued (no right, no such sink) is noted in the story of
// the incident and raises nothing. Needs an open Spi and the rights of the extension's owner.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "monitor/incident/record.hpp"
#include "monitor/judge/notice.hpp"

namespace kpi::monitor {

// Kinds of sink that can carry a message about an incident.
bool can_carry(const std::string &kind);

void tell(const Incident &incident, Word word, const std::vector<std::string> &sinks,
          std::int64_t now);
// To the sinks that have heard of it, where the message of before can be changed.
void tell_acknowledged(const Incident &incident, std::int64_t now);
// Likewise: it is silent until then.
void tell_snoozed(const Incident &incident, Timestamp until, std::int64_t now);
// kpi.language
Language language();

}  // namespace kpi::monitor
