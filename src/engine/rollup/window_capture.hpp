// kpi._facts for a source with window capture: the reader's way into its dirty days, a building
// source included.
#pragma once

#include <string>

#include "engine/rollup/layout.hpp"

namespace kpi::engine {

// Appends the facts view aggregated over `days` (a datemultirange as text) to `result`, in the
// shape of the delta table. Reads the active snapshot, as the source's owner; the caller has
// checked the reader's right. Errors: whatever the facts view raises.
void window_facts(const std::string &source, const std::string &days, pg::ResultSet &result);

}  // namespace kpi::engine
