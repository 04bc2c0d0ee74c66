// environment: its keys and its file. This file: what each key means, what it may be, and what
// counts when nobody sets it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kpi::environment {

enum class Type { number, schedule, zone, flag };

struct Key {
    std::string_view name;
    Type type;
    std::string_view preset;  // counts when nobody sets it
    std::string_view meaning;
    double least = 0, most = 0;  // of numbers
};

const std::vector<Key> &keys();
const Key *find_key(std::string_view name);  // nullptr: there is none

// Of a rule that fires below both, the first must not exceed the second: the warning comes first.
struct Levels {
    std::string_view critical, warning;
};
const std::vector<Levels> &levels();

// What is wrong with a value; empty: nothing. Zones are only known to PostgreSQL: they are not
// judged here.
std::string fault_of(const Key &key, std::string_view value);
// A number as a file may write it: digits, a sign, a decimal point. No exponent, no leading zero,
// no underscore: YAML's readers do not agree on them.
bool is_plain_number(std::string_view text);

}  // namespace kpi::environment
