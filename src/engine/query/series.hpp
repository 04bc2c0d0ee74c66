// Series of metrics as plain numbers, for whoever judges them: the same answers as kpi.query, read
// by the same statement, at a clock that may be given. Checks the caller's right on every facts
// view; needs an open Spi. Errors: as kpi.query (query.hpp).
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/calendar.hpp"

namespace kpi::engine {

struct SeriesRequest {
    std::vector<std::string> metrics;
    std::string filters = "{}";  // JSON object
    std::vector<std::string> by;
    Grain grain = Grain::day;
    int back = 1;  // buckets before the one that holds the moment
    std::optional<Timestamp> now;
    bool expected = false;  // of the open bucket, up to now
};

// Metrics of one owner, zone and clock.
struct SeriesSet {
    std::string zone;
    Timestamp now;                // the clock asked for, or what a window source knows
    std::vector<Bucket> buckets;  // the last one holds the moment
    double elapsed = 0;           // of the last one
    std::vector<std::string> metrics, sources;
    std::vector<std::string> segments;  // JSON objects, as jsonb's text
    std::unordered_map<std::string, size_t> place;
    // by metric, then segment, then bucket; NaN is NULL, and a metric without rows of a segment. A
    // segment is here when a metric has rows of it in the range.
    std::vector<double> values;
    std::vector<double> expected;  // by metric, then segment; empty unless asked for

    const double *values_of(size_t metric, size_t segment) const {
        return values.data() + (metric * segments.size() + segment) * buckets.size();
    }
    std::optional<size_t> segment(const std::string &text) const {
        const auto found = place.find(text);
        return found == place.end() ? std::nullopt : std::optional(found->second);
    }
};

std::vector<SeriesSet> read_series(const SeriesRequest &request);

}  // namespace kpi::engine
