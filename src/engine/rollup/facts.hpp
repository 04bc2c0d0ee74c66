// SQL text: the facts view aggregated into the shape of the delta table over a range of local days.
#pragma once

#include <string>

#include "engine/rollup/layout.hpp"

namespace kpi::engine {

// Local days [from, to), ISO text; '-infinity' and 'infinity' are allowed.
struct Days {
    std::string from = "-infinity";
    std::string to = "infinity";
};

// "day >= '..' AND day < '..'", days before the source's frozen_before left out. Expects the CTE
// `bounds`.
std::string within(const Days &days);

// A FROM item with the columns hour, day, n, d1.., m1..; a key may come more than once.
// Trigger capture: kpi._facts, which leaves out rows with data errors exactly as capture does.
// Window capture: plain SQL, which raises data errors, and which an engine underneath can run where
// the rows are.
std::string facts_rows(const Layout &source, const Days &days);

}  // namespace kpi::engine
