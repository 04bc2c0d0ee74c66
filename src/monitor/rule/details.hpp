// What an incident of a rule says: its details as JSON, and, when somebody is told, the lines that
// cost a query: the last values as a picture, the causes, what was ruled out.
#pragma once

#include <string>
#include <vector>

#include "monitor/judge/words.hpp"
#include "monitor/rule/reading.hpp"

namespace kpi::monitor {

Story story_of(const Rule &rule, const Reading &reading, const Found &found);
// Figures alone.
std::string details_of(const Rule &rule, const Reading &reading, const Found &found);
// With lines. A line that cannot be made is left out.
std::string full_details_of(const Rule &rule, const Reading &reading, const Found &found);
// Of many: their number and those that are farthest off.
std::string group_details_of(const Rule &rule, const Reading &reading,
                             const std::vector<const Found *> &members);
std::string labels_of(const Rule &rule, const std::string &segment);

}  // namespace kpi::monitor
