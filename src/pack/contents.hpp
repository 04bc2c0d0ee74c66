// What the payments table holds, where that decides what the pack may count: the statuses of paid
// ones, the currencies of amounts. Reads the table as the current role. Needs an open Spi.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pack/views.hpp"

namespace kpi::pack {

// Warns when there are payments and none of them has one of the statuses, with those it has.
void warn_of_statuses(const SalesTable &payments, const std::vector<std::string> &succeeded);

// The currency that revenue counts: the one asked for, or the only one there is. nullopt: amounts
// are added as they are, because there is no currency column or the caller wants it so ("*").
// 22023: several, or none yet, and nothing asked for; one that is asked for without a column.
std::optional<std::string> choose_currency(const SalesTable &payments,
                                           const std::optional<std::string> &wanted);

}  // namespace kpi::pack
