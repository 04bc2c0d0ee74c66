// kpi.funnel: how many keys that came to the first step within a range reached the next ones, and
// how long that took (core/funnel.hpp says what an attempt is). What is kept of a value tells
// the hour or the day, no more: so there are two counts, between which the truth to the microsecond
// lies. Needs an open Spi. Errors: as steps.hpp; 22023 for an empty list of steps, a length or a
// range that does not fit; 53400 when work_mem does not suffice; 54000 for too many rows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/sql.hpp"

namespace kpi::engine {

// A length on the wall clock: so many days later at the same time, and microseconds after that.
struct Length {
    int32_t days = 0;
    int64_t microseconds = 0;
};

struct FunnelRequest {
    std::vector<std::string> steps;  // metrics
    std::string start;
    std::optional<std::string> end;
    Length within;  // of the first step
    std::vector<std::string> by;
    std::string filters = "{}";
    std::optional<std::string> grain;  // hour, day; not given: the finest that is kept
    int64_t max_rows = 0;              // 0: all
};

// Appends the columns of kpi.funnel.
void funnel(const FunnelRequest &request, pg::ResultSet &out);

}  // namespace kpi::engine
