// The circuit breaker of a sink as plain data: what an outcome does to it. Times in microseconds
// since 2000.
#pragma once

#include <algorithm>
#include <cstdint>

#include "net/wire/step.hpp"

namespace kpi::delivery {

struct Breaker {
    static constexpr int kFailures = 5;               // in a row
    static constexpr int64_t kShortest = 5'000'000;   // 5 s
    static constexpr int64_t kLongest = 600'000'000;  // 10 min

    int failures = 0;
    int64_t open_until = 0;    // 0: closed
    int64_t paused_until = 0;  // 0: never asked for

    // `chance`: uniform in [0, 1).
    void see(const net::Outcome &outcome, int64_t now, double chance) {
        if (outcome.status == 429 && outcome.retry_after)
            paused_until = std::max(paused_until, now + *outcome.retry_after * 1'000'000);
        if (!outcome.receiver_down) {
            failures = 0;
            open_until = 0;
            return;
        }
        // Those that were on their way when it opened say nothing new.
        if (open_until > now) return;
        ++failures;
        if (failures < kFailures) return;
        const int64_t bound =
            std::min(kLongest, (2 * kShortest) << std::min(failures - kFailures, 10));
        open_until = now + kShortest + int64_t(double(bound - kShortest) * chance);
    }

    bool operator==(const Breaker &) const = default;
};

}  // namespace kpi::delivery
