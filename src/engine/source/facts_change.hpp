// A facts view that is tracked has changed: followed where that is possible, refused with the mend
// where not. Needs an open Spi and the rights of the extension's owner.
#pragma once

#include <string>

#include "core/table.hpp"

namespace kpi::engine {

// CREATE OR REPLACE VIEW, ALTER VIEW: the columns must be the tracked ones and capture must still
// serve; marks dirty.
void follow_view(ObjectId view);
// A column of a view was renamed.
void follow_column(ObjectId view, const std::string &old_name, const std::string &new_name);
// Grants, typed views and measure metrics follow the present owners of all facts views. Cheap when
// nothing has changed; also part of upkeep, because REASSIGN OWNED fires no event trigger.
void follow_owners();
// The view is gone: drops what belongs to its source. `refuse`: raise 2BP01 instead, if its typed
// views still exist.
void facts_dropped(const std::string &source, bool refuse);

}  // namespace kpi::engine
