// For outbox.cpp and settle.cpp.
#pragma once

#include <cstdint>
#include <string>

namespace kpi::delivery {

// Message `dead` of this group is dead: the next one goes on, and says so.
void tell_group(int64_t dead, const std::string &sink, const std::string &group_key);

}  // namespace kpi::delivery
