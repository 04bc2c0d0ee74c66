// What the pack has watched: checks of the two tables and of the views, and probes of the queries
// that dashboards run. Needs an open Spi; runs as the owner of the tables, in whose name they are.
#pragma once

#include <optional>
#include <string>

#include "core/table.hpp"
#include "pack/views.hpp"

namespace kpi::pack {

struct WatchedTable {
    ObjectId id;
    SalesTable table;
};

struct WatchedPair {
    std::optional<WatchedTable> leads, payments;
    std::string schema;  // of the views, quoted

    Parts parts() const { return {leads.has_value(), payments.has_value()}; }
};

// Adds those that the pack has not added yet; one that somebody else has named so is left alone.
// Returns how many.
int add_watch(const WatchedPair &pair);
// Something of add_watch was never done: the pack was installed by an older version.
bool lacks_watch();
// Removes what add_watch added, as far as it is still there.
void remove_watch();

}  // namespace kpi::pack
