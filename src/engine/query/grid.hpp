// The grid of a query: what was read, put in its place. SQL scans the rollups (statement.hpp), its
// rows are summed by read and segment (pg/sums.hpp); neither knows a bucket. Here every segment's
// sums are laid out by read, the formulas are evaluated once for every bucket and counterpart, gaps
// are filled with what the formula makes of zeros (of NULL where a measure is a level), and the
// open bucket's expectation is the median of its weeks. All of it walks arrays once: the cost is
// that of the rows that come out, whatever a planner believes. Runs as the metrics' owner; needs an
// open Spi, and its values live as long as that.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/query/statement.hpp"
#include "pg/rows.hpp"

namespace kpi::engine {

// The values of one segment and metric, by bucket.
struct Series {
    pg::Value segment;                         // jsonb
    size_t metric = 0;                         // of the group
    std::vector<pg::Number> values, compared;  // compared: empty without comparison
    std::vector<pg::Number> lead;              // of the plan's lead
    pg::Number expected;                       // of the open bucket
    bool others = false;                       // all segments that are not among the top
};

// Which segments are shown by themselves: those with the greatest (or least) value of the first
// metric over the whole range; the others become one, their sums added up before the formulas.
struct Top {
    size_t count = 0;  // 0: all
    bool least = false;
    // The first group chooses, as jsonb's text; the others follow.
    std::optional<std::set<std::string>> chosen;
};

struct Grid {
    std::vector<Series> series;  // by segment, then metric
};

// How many rows (buckets times series) the caller takes: `left` of `all`.
struct RowLimit {
    int64_t all = INT64_MAX, left = INT64_MAX;
};

// Errors: 54000 for more rows, 53400 for more memory than a read may use.
Grid read_grid(const Group &group, const Plan &plan, RowLimit limit, Top &top);

}  // namespace kpi::engine
