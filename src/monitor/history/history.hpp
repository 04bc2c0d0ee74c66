// Histories: metrics whose closed buckets are kept as they were first seen. Needs an open Spi;
// `caller` is who asks. Errors: 22023 for arguments, 42704 for an unknown metric, 42501.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/calendar.hpp"
#include "core/error.hpp"
#include "engine/query/series.hpp"

namespace kpi::monitor {

struct HistoryKey {
    std::string metric;
    Grain grain = Grain::day;
    std::vector<std::string> by;
};

// From now on, for so many days. The metric is read once, as the caller, so that what cannot work
// is said at once. One that is there keeps its values.
void keep_history(ObjectId caller, HistoryKey key, std::int64_t days);
// With its values. False: there is none.
bool drop_history(ObjectId caller, HistoryKey key);

// The rest needs the rights of the extension's owner.

struct KeptHistory {
    HistoryKey key;
    ObjectId role;
};
// One of which a bucket is over, or that was never looked at; committed before it is read, and due
// again in a minute should that fail. nullopt: none is.
std::optional<KeptHistory> take_due_history();
// Writes the buckets that are over and not yet written.
void record(const KeptHistory &history);
void note_failure(const KeptHistory &history, const Error &error);
// Deletes what is older than its days; true: there is more.
bool forget_old_history();

// A bucket as it was first seen. NaN: no value.
struct SeenBucket {
    struct Seen {
        double value, trials;
    };
    Timestamp seen_at;
    std::unordered_map<std::string, Seen> segments;  // by JSON object, as jsonb's text
};
// The values of the metric, so many buckets back.
engine::SeriesRequest request_of(const HistoryKey &key, int back);
// How many buckets of the grain reach from a moment to another; a few too many rather than too few.
int reach(Grain grain, std::int64_t from, std::int64_t to);
// By start of the bucket, those from `from` on that are of the metric's formula of today.
using Past = std::map<std::int64_t, SeenBucket>;
Past first_seen(const HistoryKey &key, Timestamp from);

}  // namespace kpi::monitor
