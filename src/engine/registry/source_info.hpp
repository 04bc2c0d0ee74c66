// What the registry knows about a source, as plain data: for whoever writes SQL over its tables
// (layout: docs/design.md). Needs an open Spi. Types and collations are those of the delta table's
// columns, so the tables must exist. Dates are text in the session's DateStyle, which callers pin.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "engine/registry/tables.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {

struct DimensionInfo {
    std::string name;
    // SQL text, schema-qualified, without modifier (bpchar, not character(3))
    std::string type;
    std::string collation;  // SQL text, schema-qualified; empty: the type has none
    // the type lives in pg_catalog, or is an enum: `=` finds its default equality by name
    bool built_in = false;
};

struct MeasureInfo {
    std::string name;
    int position = 0;  // column m<position>
    MeasureKind kind = MeasureKind::numeric;
};

// A counted measure, which does not add up. Its rows hold one value of a column of the facts view
// each, in v<position>, and the number of the value's rows, n; of full segments only.
struct CountedInfo {
    std::string name;
    int position = 0;
    std::string column;
    CountedKind kind = CountedKind::distinct;
    // of percentiles, whose v<position> is the number of a bucket (core/sketch.hpp)
    double error = 0;

    // Whether it is one of the values, and NULL where there is none; otherwise it is their number.
    bool is_level() const { return kind != CountedKind::distinct; }
    // Whether its segments add up to the whole, though its buckets do not.
    bool is_timed() const { return kpi::is_timed(kind); }
    // Neither its buckets nor its segments have a sum that means anything.
    bool adds_up_nowhere() const { return is_level() && !is_timed(); }
};

// A column whose values are kept, in v<position>, for the counted measures of that position.
struct KeptInfo {
    int position = 0;
    std::string column;
    std::string measure;  // the first of them
};

struct SourceInfo {
    std::string name;
    ObjectId facts;
    ObjectId owner;  // of the facts view
    std::string timezone;
    std::string capture;                   // trigger or window
    std::string hours_from;                // ISO date or ±infinity
    std::string frozen_before;             // likewise
    std::optional<Timestamp> computed_at;  // window capture: when the window was last recomputed
    std::vector<DimensionInfo> dimensions;
    std::vector<MeasureInfo> measures;
    std::vector<CountedInfo> counted;
    std::vector<KeptInfo> kept;  // by position
    size_t dimension_count = 0;  // as the registry says, also when `dimensions` is not loaded
    size_t columns = 0;          // of the delta table
    int64_t lookback = 0;        // window capture: microseconds that are recomputed
    Timestamp created_at;

    // When a bucket was certainly as it was read: of window capture the last recompute that reached
    // back to it, for a bucket older than the window when it left it; of trigger capture the
    // reader's snapshot. A rebuild by hand since then is not counted.
    Timestamp as_of(Timestamp snapshot, Timestamp bucket) const;

    // 0-based place of a dimension; -1: no such dimension.
    int dimension(const std::string &dimension_name) const;
    // The level with every dimension set.
    int full_level() const { return (1 << dimensions.size()) - 1; }
    // The level of the rows of kept values, with every dimension set.
    int kept_level(int position) const {
        return position << kDimensionBits | ((1 << dimension_count) - 1);
    }
    // The condition that a row is none of a kept value: "p.v1 IS NULL AND .." with a prefix such as
    // "p."; empty without counted measures.
    std::string holds_sums(const std::string &prefix = {}) const;
};

enum class Dimensions { load, skip };  // skip: `dimensions` stays empty

// The name of the source that a user means: its own name, or that of its facts view as SQL writes
// it, with or without schema. The source's own name wins. Errors: 42704 with the nearest names,
// 42P09 when several facts views have the name.
std::string source_named(const std::string &text, pg::Access access);

// Sources in the order of the names; errors: 42704 for an unknown name, 55000 where registry and
// tables contradict each other. read_only: seen in the caller's snapshot (STABLE functions);
// read_write: sees what this command has just written.
std::vector<SourceInfo> load_sources(const std::vector<std::string> &names, pg::Access access,
                                     Dimensions dimensions = Dimensions::load);
SourceInfo load_source(const std::string &name, pg::Access access);

}  // namespace kpi::engine
