// The rows of a statement added up by group and place, as they come out of the executor. One pass
// over a hash table of ours instead of an aggregate of SQL: no estimate of a planner has a say in
// it, and a row costs a look-up and an addition of integers. Exact: 64-bit decimals, wider ones
// where they do not suffice.
// Memory: what comes out, about 50 bytes a group and place and 16 a value, bounded
// (memory_bound.hpp). Lives no longer than the open Spi. Errors: 53400.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/sketch.hpp"
#include "pg/rows.hpp"

namespace kpi::pg {

// plain: an integer or a numeric, added up. counters: likewise, followed by counters of NaN,
// Infinity and -Infinity (int8). kept: numeric or an array of pairs (int8[][]), taken as it is, of
// one row a group and place.
enum class SumForm : uint8_t { plain, counters, kept };

// Columns of the statement: the place, int4 (rows without one do not count); the keys that make the
// group; then for every part a count, int8, and its values.
struct SumColumns {
    int keys = 0;
    std::vector<std::vector<SumForm>> parts;  // by part and value
    std::string label;  // SQL that makes a group's jsonb of its keys $1, $2 ...
};

struct SumTable;

class Sums {
public:
    // Groups in the order of their labels. Without keys there is one group, even without rows.
    Sums(std::string_view sql, const Params &params, const Options &options,
         const SumColumns &columns);
    size_t groups() const;
    Value label(size_t group) const;  // jsonb
    // Cells of a group are [begin(group), begin(group + 1)): places with rows, each once, in no
    // order.
    size_t begin(size_t group) const;
    int32_t place(size_t cell) const;
    bool counted(size_t cell, size_t part) const;  // the counts of this part do not cancel
    // Values are numbered over all parts. NULL: there was none.
    Number value(size_t cell, size_t value) const;
    // Of a value that was kept as an array {{bucket, rows}, ..}; empty: there was none.
    Sketch sketch(size_t cell, size_t value) const;

private:
    SumTable *table_;
    std::vector<uint32_t> groups_, cells_;  // in order
    std::vector<size_t> begins_;
};

}  // namespace kpi::pg
