// Finds by samples what no trigger and no event trigger sees: code that a facts view reaches and
// that was replaced where pg_depend does not know of it, rows written past the triggers, damage.
// For sources captured by trigger; expects an open Spi and the rights of the extension's owner.
#pragma once

#include <string>
#include <vector>

#include "engine/rollup/facts_statement.hpp"
#include "engine/rollup/upkeep.hpp"

namespace kpi::engine {

// A few closed days in a row, from `begin` on or, when that is no closed day of the source, from
// the first one on; from = to: there are none. An infinite begin: a day drawn at random.
DayRange sample_days(const std::string &source, const std::string &begin);
// The first and the day after the last of these days on which reads differ from the facts view;
// from = to: on none.
DayRange differing_days(const std::string &source, const DayRange &days);
// Writes down that the days were compared; where they differ they become a dirty range.
void note_sample(const std::string &source, const DayRange &differing);

// Rewrites the days in every grain and level, at once where nobody else works on the source: the
// usual repair adds to the hours of full segments only, and damage may be elsewhere.
Progress rewrite_sample(const std::string &source, const DayRange &differing);

}  // namespace kpi::engine
