// The month ahead of a metric that adds up, from its days up to a day: nothing that came later
// counts. Needs what figures.hpp needs.
#pragma once

#include <optional>
#include <string>

#include "core/dates.hpp"
#include "reporting/scope.hpp"

namespace kpi::reporting {

// Sums of the days ahead. low and high are the sums of the days' own bounds (80 %), as if all days
// erred alike: wider than the month's own interval. Whole numbers.
struct Outlook {
    std::string expected, low, high;
};
// nullopt: there is too little history.
std::optional<Outlook> next_month(const Scope &scope, const std::string &metric, Date last);

}  // namespace kpi::reporting
