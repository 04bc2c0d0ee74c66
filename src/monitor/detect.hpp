// monitor: what watches the numbers; SQL in, verdicts out. Sees engine/ and the floors below.
//
// kpi.detect: the statement that judges every row of a table or view, and runs it into a result.
//
// The judging itself is the window function kpi._judge; this file composes what feeds it and what
// follows it: aggregation to one row a period, calendar, false-discovery rate over the segments of
// a period, minimum impact. Errors: 22023 for options, 42703 for columns that do not exist, 42P01
// for the relation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {

struct DetectRequest {
    // The quoted name of a relation with the columns named below.
    std::string relation;
    // Or, instead: a query with segment, at, value, trials, day, share (of an open period; else
    // NULL).
    std::string facts;
    std::string at, value;
    std::vector<std::string> by;
    std::optional<std::string> denominator;
    std::optional<ObjectId> calendar;
    std::string kind = "auto", method = "robust", direction = "both", partial = "skip";
    std::optional<std::string> grain;  // unit of date_trunc: rows are summed to it
    std::optional<double> threshold, fdr;
    int64_t min_history = 28;
    double min_impact = 0;
    int unit = 1;  // 100 for percentages: impact counts trials, not hundredths of them
    std::optional<Timestamp> since;
};

// The columns that a request names exist in the relation and have types that can be judged. Errors:
// 42703 with the nearest names, 42804.
void check_columns(ObjectId relation, const DetectRequest &request);
// The unit of date_trunc for an interval of one hour, day, week or month; 22023 otherwise.
std::string grain_unit(const std::string &interval);
void detect(const DetectRequest &request, pg::ResultSet &result);

}  // namespace kpi::monitor
