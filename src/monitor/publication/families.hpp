// Gauges as families of metrics with their samples: what is pushed and what is scraped is the same.
// Needs an open Spi; read as the current role. Errors: those of kpi.gauges: 42704 for an unknown
// metric, 22023 for a dimension that is none, 42501.
#pragma once

#include "pg/sql.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kpi::monitor {

// The arguments of kpi.gauges.
struct GaugeWish {
    std::vector<std::string> metrics, by;
    int64_t top = 10;
    std::optional<std::string> rank_by;
};

struct Families {
    std::string metrics;  // the array "metrics" of a message to a Pushgateway
    std::string digest;   // of what does not change by itself
    std::string database;
};

// Gauges without a value are left out. A label is never empty for a segment whose name is an empty
// text: it would be the same series as the segment without a name.
Families gauge_families(const GaugeWish &wish, pg::Access access);

// The text format 0.0.4 with the label "database", for a scrape. Without metrics: every metric that
// the current role may read. Errors too: 22023 for a top below 1.
std::string prometheus_text(const GaugeWish &wish, bool every_metric);

}  // namespace kpi::monitor
