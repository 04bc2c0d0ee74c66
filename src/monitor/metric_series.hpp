// The series of a tracked metric as the detectors want them: history before the asked period,
// denominators of ratios, the share of the open bucket that is over.
//
// Errors: 22023 and 42704 as kpi.query raises them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/quotient.hpp"
#include "core/table.hpp"
#include "engine/query/query.hpp"

namespace kpi::monitor {

struct MetricRequest {
    std::string metric, start_at = "30d", grain = "day";
    std::optional<std::string> end_at;
    std::vector<std::string> by;
    std::string filters = "{}";
};

// The quotient that the metric's formula is.
std::optional<Quotient> ratio_of(const std::string &metric);
// The measures that its formula comes down to.
std::vector<std::string> measures_of(const std::string &metric);
// Whether it is made of levels (minimum, maximum, percentiles, first, last): an open bucket has
// them in full, not in part.
bool is_level(const std::string &metric);
// The zone of the sources that the metric reads.
std::optional<std::string> zone_of(const std::string &metric);
// First bucket of the asked period; nullopt when there is none.
std::optional<engine::FirstBucket> first_bucket(const MetricRequest &request);
// SQL for a numeric as float8; beyond what detectors can square it is `otherwise`: one huge value
// must not fail the series.
std::string number(const std::string &value, const std::string &otherwise = "'NaN'");
enum class Open { drop, keep };
// The query monitor::DetectRequest::facts asks for, from long before `since` on.
std::string facts_query(const MetricRequest &request, Timestamp since, Open open);
// kpi.query(...) with these arguments as SQL text.
std::string query_call(const std::vector<std::string> &metrics, const std::string &start_at,
                       const MetricRequest &request);

}  // namespace kpi::monitor
