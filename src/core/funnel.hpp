// One key's way through the steps of a funnel. Times are whole numbers that only compare: starts of
// hours as microseconds, or days. Several rows of a key at one time are one event.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

namespace kpi {

struct FunnelEvent {
    int32_t step = 0;
    uint32_t segment = 0;  // of the first step; of later ones nobody asks
    int64_t at = 0;
};

struct FunnelRules {
    int steps = 0;
    // a step must come after the one before; otherwise at the same time or after
    std::vector<bool> later;
    // the last time that counts for an attempt that began at this one
    std::function<int64_t(int64_t)> until;
};

// From an event of the first step on: the first event of the second that is not before it, the
// first of the third that is not before that, and so on.
struct FunnelAttempt {
    uint32_t segment = 0;
    std::vector<int64_t> times;  // of the steps that it reached
};

// For every segment with an event of the first step, in order, the attempt that gets furthest, and
// the earliest of those. `events`: of one key, in the order of step, segment and time.
std::vector<FunnelAttempt> best_attempts(const std::vector<FunnelEvent> &events,
                                         const FunnelRules &rules);

// Whole numbers with how often each occurs: their median without keeping every one.
class Occurrences {
public:
    void add(int64_t number) { ++count_[number], ++total_; }
    size_t distinct() const { return count_.size(); }
    // The mean of the two in the middle where their number is even; 0 of none.
    int64_t median() const;

private:
    std::unordered_map<int64_t, int64_t> count_;
    int64_t total_ = 0;
};

}  // namespace kpi
