// Gauges as families of metrics with their samples: what is pushed and what is scraped is the same.
// Needs an open Spi; read as the current role.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {

// The arguments of kpi.gauges.
struct GaugeWish {
    std::vector<std::string> metrics, by;
    int64_t top = 10;
    std::optional<std::string> rank_by;
};

// A metric that cannot be read, and why.
struct Unreadable {
    std::string metric;
    Error error;
};

struct Families {
    std::string metrics;  // the array "metrics" of a message to a Pushgateway
    std::string digest;   // of what does not change by itself
    std::string database;
    std::vector<Unreadable> unreadable;
};

// Gauges without a value are left out. A label is never empty for a segment whose name is an empty
// text: it would be the same series as the segment without a name. A metric that cannot be read is
// named by a gauge of its own and takes nothing with it, neither other metrics nor the health.
Families gauge_families(const GaugeWish &wish, pg::Access access);

// The text format 0.0.4 with the label "database", for a scrape. Without metrics: every metric that
// the current role may read; those without the dimensions of `by` have no segments. Errors too:
// 22023 for a top below 1; of what is asked for by name 42704, 42501 and 22023.
std::string prometheus_text(const GaugeWish &wish, bool every_metric);

}  // namespace kpi::monitor
