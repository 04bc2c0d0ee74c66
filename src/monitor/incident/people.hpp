// What people do with incidents: take them, give them to somebody, remark, judge, silence.
// Needs an open Spi; `caller` is who asks. Errors: 42704 and 42501 (record.hpp), 55000 for an
// incident in the wrong state, 22023 and 22004 for arguments.
#pragma once

#include <cstdint>
#include <string>

#include "core/table.hpp"

namespace kpi::monitor {

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
