// SQL text: the facts view aggregated into the shape of the delta table over a range of local days.
#pragma once

#include <optional>
#include <string>

#include "engine/rollup/layout.hpp"

namespace kpi::engine {

// Local days [from, to), ISO text; '-infinity' and 'infinity' are allowed.
struct DayRange {
    std::string from = "-infinity";
    std::string to = "infinity";
};

// "true AND day >= '..' AND day < '..'", without the infinite ends.
std::string within(const DayRange &days);

// The part of `days` that is not frozen: for the holder of the mutex, who alone may freeze.
// nullopt: all are.
std::optional<DayRange> live(const std::string &source, const DayRange &days);

// A FROM item with the columns hour, day, n, d1.., m1..; a key may come more than once.
// Trigger capture: kpi._facts, which leaves out rows with data errors exactly as capture does.
// Window capture: plain SQL, which raises data errors, and which an engine underneath can run where
// the rows are.
// `options` say which snapshot the statement will run in: the ends of an open range are found in
// it.
std::string facts_rows(const Layout &source, const DayRange &days, const pg::Options &options);

}  // namespace kpi::engine
