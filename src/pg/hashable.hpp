// What can be said of a type without one of its values: can its values be grouped, is their text
// the same in every session.
#pragma once

#include <string>

#include "core/table.hpp"

namespace kpi::pg {

// Why values of a type cannot be grouped: the innermost type without equality or hash function.
struct Unhashable {
    ObjectId part;     // 0: they can be
    std::string name;  // of `part`, as SQL
    // how `part` sits in the type asked about
    bool is_whole = false, in_array = false, in_row = false;
    // an explicit cast of `part` to text is immutable
    bool has_fixed_text = false;
    bool has_numbers = false;  // a geometric type: made of float8
};

Unhashable unhashable(ObjectId type);

}  // namespace kpi::pg
