// A source as its rollups see it: names of its tables and SQL lists of their columns (layout:
// docs/design.md). All text is quoted and schema-qualified; d1.. and m1.. are ours and need no
// quotes.
#pragma once

#include <string>
#include <vector>

#include "engine/registry/source_info.hpp"

namespace kpi::engine {

struct Layout {
    SourceInfo info;
    ObjectId base, delta_id, day_id, hour_id;  // base is 0 with window capture
    std::string facts, delta, day, hour, so_far;
    std::string time_column, time_type;

    const std::string &name() const { return info.name; }
    bool by_trigger() const { return info.capture == "trigger"; }
    size_t width() const { return info.dimensions.size(); }
    bool has_keys() const { return !info.dimensions.empty() || !info.kept.empty(); }
    // The levels that have rollup rows: total, single dimensions, full, one for each column of
    // counted measures; each once.
    std::vector<int> levels() const;
    // Those of full segments, as SQL: an array of int2.
    std::string segment_levels() const;

    // The columns of a segment, "p.d1, p.d2" with a prefix such as "p."; then those of counted
    // measures, "p.v1", one of which is set where a row counts a value. Empty without either.
    std::string dims(const std::string &prefix = {}) const;
    // ", p.d1, p.d2", to append to a list.
    std::string more_dims(const std::string &prefix = {}) const;
    // The additive columns beside n: m1, m2, m2_nan, ..
    std::vector<std::string> sums() const;
    // ", <text>" for each additive column, with {0} replaced by its name.
    std::string each_sum(const std::string &text) const;
    // "hash_record_extended(ROW(p.d1, ..), 0)": the segment part of the rollups' indexes; "0"
    // without such columns.
    std::string segment_hash(const std::string &prefix) const;
    // The condition that two aliases mean the same segment at the same level; starts with " AND" or
    // is empty.
    std::string same_segment(const std::string &left, const std::string &right) const;
};

// Errors: 42704 when there is no such source, or its tables are gone.
Layout load_layout(const std::string &source, pg::Access access);

}  // namespace kpi::engine
