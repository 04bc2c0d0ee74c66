// The file of an environment as values that are known to be right.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kpi::environment {

struct Value {
    std::string key, text;
    int line = 0;
};

// Errors, with the line: 22023 for a key that is none, a value of another type or beyond its
// limits, and a warning level that comes after the critical one (what the file leaves out counts
// with its preset); those of read_document. A key "environment" must name the environment itself.
std::vector<Value> read_values(std::string_view name, std::string_view yaml);

}  // namespace kpi::environment
