// The default rules of the pack: those of the old stack, made right (paced, guarded against the
// season of the week), and their better companions. Each has its runbook.
#pragma once

#include <string>
#include <vector>

#include "core/table.hpp"
#include "pack/views.hpp"

namespace kpi::pack {

// Adds those that are missing; messages go to the sink named slack, where the role may send to it.
// Returns the names of the new ones. Needs an open Spi.
std::vector<std::string> add_default_rules(ObjectId role, const Parts &parts);
// Drops those that the pack made, of this role.
void drop_default_rules(ObjectId role);

}  // namespace kpi::pack
