// kpi.query, kpi.query_json, kpi.value: from a request to rows. Everything is read in the caller's
// snapshot, after kpi._dirty_days has checked the caller's right on every facts view; formulas
// run as the owner of their metric. Metrics of different owners or zones, or of sources with
// another as_of, are answered by a statement each, in the same snapshot. Needs an open Spi.
// Errors: 42704 unknown metric, 42501 no right, 22007 and 22023 for words and ranges, 54000 for too
// many buckets.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/dates.hpp"
#include "core/table.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {

struct Request {
    // not given: all that the caller may read and that have the dimensions
    std::optional<std::vector<std::string>> metrics;
    std::string start;
    std::optional<std::string> end;
    std::string filters = "{}";  // JSON object
    std::vector<std::string> by;
    std::string grain = "day";
    std::optional<std::string> compare;
    int64_t max_rows = 0;  // 0: all
    std::optional<std::string> order_by;
    int64_t top = 0;  // segments; 0: all
    std::vector<std::string> show;
};

// Appends the columns of kpi._query: those of kpi.query without expected_so_far. Errors: 54000 for
// more than max_rows; a part would be wrong as soon as the reader sorts or adds up.
void query(const Request &request, pg::ResultSet &out);

// The first bucket of a request for one metric, which costs no look at any number.
struct FirstBucket {
    Timestamp start;
    Date day;
    bool is_complete;
};
std::optional<FirstBucket> first_bucket(const Request &request);

// expected_so_far of the open buckets of a request, for readers that ask for that column: it looks
// at parts of hours in the facts view. By bucket, metric and segment (pg::jsonb_bytes), as
// numeric's text.
using ExpectationKey = std::tuple<int64_t, std::string, std::string>;
std::map<ExpectationKey, std::string> expectations(const Request &request);

struct JsonRequest {
    std::optional<std::string> metric;
    std::string start;
    std::optional<std::string> end, country, source;
    std::string aggregate = "daily";
    int64_t limit = 1000;
    std::string filters = "{}";
};

// {"data": [row, ...], "params": {...}, "count": n, "truncated": true, "start_date": ..,
// "end_date": ..}; a row has bucket, date, segment, metric, value, is_complete, elapsed_fraction,
// expected_so_far, as_of. As jsonb's text.
std::string query_json(const JsonRequest &request);

struct ValueRequest {
    std::string metric;
    Timestamp at;
    std::string filters = "{}";
    std::string grain = "day";
};
// As numeric's text; nullopt: NULL.
Cell value_at(const ValueRequest &request);

struct RollingRequest {
    std::string metric;
    int64_t length = kHour;       // microseconds
    std::optional<Timestamp> at;  // not given: what is known now
    std::string filters = "{}";
};
// Of the `length` that ends with `at`, which counts too. As numeric's text; nullopt: NULL. Errors:
// 22023 for a length that is not positive or longer than a year.
Cell rolling(const RollingRequest &request);

}  // namespace kpi::engine
