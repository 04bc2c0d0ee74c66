// The innermost part of a query's statement: the rows of one source that count, from rollup,
// deltas, own changes and facts.
#pragma once

#include <string>
#include <vector>

#include "engine/query/statement.hpp"

namespace kpi::engine {

// Parameters of a statement; bind() returns the SQL that stands for the value.
class Binder {
public:
    std::string bind(Param param, const char *type);
    Params take() { return std::move(params_); }

private:
    Params params_;
};

// A filter on a dimension of this source; `values` is SQL of text[].
struct BoundFilter {
    Filter filter;
    int dimension = 0;
    std::string values;
};

// Which rows and columns the branches of one source give: read, the keys, `before`, n, the
// measures, `after`.
struct BranchShape {
    const SourceUse *use = nullptr;
    std::vector<std::string> keys;  // SQL over x.dN
    std::vector<int> key_dimensions;
    std::vector<BoundFilter> filters;
    // columns of the other sources of the union, each with a leading comma
    std::string before, after;
    bool measures = true;  // false: only counts
    // Set: the rows of the values of this measure instead: read, the keys, value, n; nothing else.
    const CountedInfo *counted = nullptr;
};

// NULL in the column of a counted measure.
const char *null_of(const CountedInfo &measure);

// The days that must be read from the facts view.
struct FactsDays {
    DaySet days;
    bool dirty = false;      // a day that is read is dirty
    bool old_hours = false;  // hours are read that the rollup no longer has
};
FactsDays facts_days(const SourceUse &use, const Plan &plan);

// The CTE `name` of rows read from the facts view of a source by kpi.<function>. `range` is SQL;
// `needed`: bits of the dimensions and, above them, of the counted measures that the rows must
// have.
std::string facts_rows(const std::string &name, const char *function, const SourceUse &use,
                       const std::string &range, int needed);
// Those of the counted measures that a source is used for: a first or last value is told apart by
// every dimension.
int needed_values(const SourceUse &use);

// SELECT ... UNION ALL SELECT ..., of every row that counts, with the number of its read. A row of
// the rollup is found by the index, range by range, in subqueries that no planner can turn inside
// out; every row finds its read in the arrays of its layer. The rows of the facts view are the CTEs
// facts<source> and minutes<source>, named only when they are needed. Empty when nothing is read.
std::string branches(const BranchShape &shape, const Plan &plan, int source, Binder &binder);

}  // namespace kpi::engine
