// A planned query as one SQL statement with its parameters. Values are bound, never written into
// the text, so equal shapes share a kept plan; what is written are names from the registry, quoted.
#pragma once

#include <string>
#include <vector>

#include "engine/query/filter.hpp"
#include "engine/query/metrics.hpp"
#include "engine/query/plan.hpp"

namespace kpi::engine {

// A source as a query uses it.
struct SourceUse {
    SourceInfo info;
    SourceDays days;
    std::string dirty_text;             // datemultirange
    std::vector<MeasureInfo> measures;  // those that the metrics need
};

// Metrics of one owner and zone, which one statement answers.
struct Group {
    std::vector<Metric> metrics;
    std::vector<SourceUse> sources;
    std::vector<Filter> filters;
    std::vector<std::string> by;
};

struct Statement {
    std::string sql;
    Params params;
};

// Columns of kpi.query, in order; at most `limit` rows (0: all). Errors: 22023 for a dimension that
// a source lacks.
Statement write_statement(const Group &group, const Plan &plan, int64_t limit);

}  // namespace kpi::engine
