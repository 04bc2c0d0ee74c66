// What has become of closed buckets since they were first seen. Needs an open Spi; reads the metric
// as the caller, whose right to it is checked. Errors: as kpi.query.
#pragma once

#include <string>
#include <vector>

#include "monitor/history/history.hpp"

namespace kpi::monitor {

struct Restatement {
    Timestamp bucket;
    std::string segment;  // JSON object
    Timestamp seen_at;
    double before, today;  // NaN: no value
};

enum class Which { changed, all };
// By bucket, then segment.
std::vector<Restatement> restatements(const HistoryKey &key, Timestamp from, Which which);

}  // namespace kpi::monitor
