// kpi.retention: keys by the period in which they were first seen, and how many of them came back
// in each later one. From the values that the sources keep by day, all of them since the first.
// Needs an open Spi. Errors: as steps.hpp; 22023 for a grain or a number of periods that does not
// fit; 53400 when work_mem does not suffice; 54000 for too many rows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/sql.hpp"

namespace kpi::engine {

struct RetentionRequest {
    std::string metric;
    std::optional<std::string> returning;  // another metric; not given: the same
    std::string start;
    std::optional<std::string> end;
    std::string grain = "week";
    int32_t periods = 12;  // after the first
    std::vector<std::string> by;
    std::string filters = "{}";
    int64_t max_rows = 0;  // 0: all
};

// Appends the columns of kpi.retention.
void retention(const RetentionRequest &request, pg::ResultSet &out);

}  // namespace kpi::engine
