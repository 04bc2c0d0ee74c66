// Dirty marks of a source (kpi.dirty): seen before a repair takes its snapshot, cleared after it.
// Run as the extension's owner; the caller holds the source's mutex, so nobody else changes marks,
// though anybody may add some.
#pragma once

#include <string>
#include <vector>

#include "engine/rollup/facts_statement.hpp"

namespace kpi::engine {

struct DirtyMark {
    std::string id;  // tuple address
    DayRange days;
};

// In order of their end, latest first.
std::vector<DirtyMark> seen_marks(const std::string &source);
// Takes the days away from the marks: what sticks out of the range stays marked.
void clear_marks(const std::string &source, const std::vector<DirtyMark> &marks,
                 const DayRange &days);
void add_mark(const std::string &source, const DayRange &days, const std::string &why);

}  // namespace kpi::engine
