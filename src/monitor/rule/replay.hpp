// What a rule would have said of closed buckets. Needs an open Spi; reads as the current role.
// Errors: as kpi.query.
#pragma once

#include <string>
#include <vector>

#include "monitor/history/history.hpp"
#include "monitor/judge/verdict.hpp"
#include "monitor/rule/rule.hpp"

namespace kpi::monitor {

struct Replayed {
    std::string segment;
    Timestamp bucket;
    Verdict verdict;
};

struct Replay {
    std::vector<Replayed> judged;  // by series, then bucket
    int buckets = 0;               // that were judged
    int first_seen = 0;            // of these, on the values of `past`
};

// Of the last `buckets` before `end`, by series. Values are those of `past` where it has the
// bucket, and as they are today elsewhere. A rule on open buckets is judged by their ends.
Replay replay(const Rule &rule, Timestamp end, int buckets, const Past &past);

}  // namespace kpi::monitor
