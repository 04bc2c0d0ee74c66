// What a rule sees at a moment: the outlook of each of its series, from its memory or made anew
// from their history, and its verdict on the values of now. Needs an open Spi; reads as the role
// that made the rule, in the caller's snapshot. Errors: as kpi.query.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/query/series.hpp"
#include "monitor/judge/memory.hpp"
#include "monitor/judge/verdict.hpp"
#include "monitor/rule/rule.hpp"

namespace kpi::monitor {

struct Found {
    std::string segment;  // JSON object
    Verdict verdict;
};

struct Reading {
    Inquiry question;  // with what the metric is
    Memory memory;
    bool made = false;  // the memory is new and worth keeping
    std::vector<Found> found;
    std::string zone;
    Bucket bucket;      // the one that was judged
    Timestamp now;      // of the values
    std::string event;  // what the calendar says of its day; empty: nothing
    std::vector<std::string> sources;
};

// The metrics that a rule needs: its own, and for a quotient the denominator.
std::vector<std::string> metrics_of(const Rule &rule);
// The bucket in progress and the one before, of several rules of one role, grain, by and filters.
std::vector<engine::SeriesSet> read_now(const std::vector<const Rule *> &rules, Timestamp at);
// Whether the rule's memory, if any, is good for this moment: reading it costs nothing then.
bool is_current(const Rule &rule, const std::vector<engine::SeriesSet> &now,
                const std::optional<Memory> &kept);
// `kept`: the rule's memory, if any.
Reading read_rule(const Rule &rule, const std::vector<engine::SeriesSet> &now,
                  const std::optional<Memory> &kept);
// The last values of one series, oldest first, the bucket in progress left out.
std::vector<double> recent_values(const Rule &rule, const std::string &segment, Timestamp at,
                                  int buckets);

}  // namespace kpi::monitor
