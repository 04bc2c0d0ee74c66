// How much time the code of one source or view gets in the worker, and how long it is left alone
// after it has failed. Code that needs longer gets twice as long the next time, up to eight times
// kpi.source_timeout, and is left alone for as long as it took, so that it never takes more than
// half of the worker's time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "worker/backoff.hpp"

namespace kpi::worker {

struct Patience {
    int failures = 0;
    int overruns = 0;
    int64_t not_before = 0;  // pg::ticks()

    // Milliseconds; 0: no limit. `timeout`: kpi.source_timeout, in seconds.
    int64_t allowance(int timeout) const {
        return (int64_t(timeout) * 1000) << std::min(overruns, 3);
    }
    void failed(int64_t now, int64_t took, bool over) {
        if (over) ++overruns;
        not_before = now + std::max(backoff(++failures), took);
    }
};

}  // namespace kpi::worker
