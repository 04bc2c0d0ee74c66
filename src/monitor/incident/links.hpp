// Links to the page of an incident (kpi_web): made for messages and by kpi.incident_link, shown by
// kpi.read_link, followed by kpi.follow_link. The token is the authority: whoever holds it may do
// the one thing that it says, until it expires. Needs an open Spi and the rights of the extension's
// owner. Errors: of token.hpp, 42704 for an incident that does not exist, 55000 for one in the
// wrong state and for links without kpi.public_url.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "monitor/incident/record.hpp"
#include "monitor/judge/notice.hpp"

namespace kpi::monitor {

// For a message of `now` about the incident; none without kpi.public_url.
std::vector<Link> links_of(const Incident &incident, Tiding tiding, std::int64_t now);
// A URL. `action`: acknowledge, snooze, snooze 24. Errors: 42501 too.
std::string incident_link(ObjectId caller, std::int64_t incident, const std::string &action);
// JSON: the incident and what the link would do, or has done. Nothing is written.
std::string read_link(const std::string &token);
// Does it, once; then as read_link.
std::string follow_link(const std::string &token);

}  // namespace kpi::monitor
