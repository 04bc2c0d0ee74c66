// Which of the existing names a mistyped one may mean: for hints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kpi {

// Number of single-character insertions, deletions and replacements between two names (bytes;
// Levenshtein).
size_t edit_distance(std::string_view a, std::string_view b);

// At most three names within a third of the length (at least one edit), nearest first, quoted and
// joined: "a", "b" or "c". Empty when there is none.
std::string near(std::string_view name, const std::vector<std::string> &names);

// "a", "b": every name, quoted.
std::string quoted_list(const std::vector<std::string> &names);

}  // namespace kpi
