// What people do with incidents: take them, give them to somebody, remark, judge, silence.
// Needs an open Spi; `caller` is who asks. Errors: 42704 and 42501 (record.hpp), 55000 for an
// incident in the wrong state, 22023 and 22004 for arguments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/table.hpp"
#include "monitor/incident/record.hpp"

namespace kpi::monitor {

// Who did something to an incident: a role, or "link", and then by which (token.hpp).
inline constexpr std::string_view kByLink = "link";
struct By {
    std::string name, link;
};
// Of an incident that fires, or is acknowledged already; with the rights of the extension's owner.
void take(Incident &incident, const By &by);
// Silences this very incident, from now on.
void snooze(Incident &incident, const By &by, int hours);

void acknowledge(ObjectId caller, std::int64_t incident);
void assign(ObjectId caller, std::int64_t incident, const std::string &assignee);
void comment(ObjectId caller, std::int64_t incident, const std::string &text);
// verdict: true, false_alarm, expected
void give_feedback(ObjectId caller, std::int64_t incident, const std::string &verdict);
// Returns its id.
std::int64_t silence(ObjectId caller, const std::string &matcher, Timestamp until,
                     const std::string &why);
bool drop_silence(ObjectId caller, std::int64_t id);

}  // namespace kpi::monitor
