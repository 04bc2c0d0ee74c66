// How long something that failed is left alone.
#pragma once

#include <algorithm>
#include <cstdint>

namespace kpi::worker {

// Microseconds after the n-th failure in a row: 1 s, 2 s, 4 s ... at most 5 minutes.
inline int64_t backoff(int failures) {
    constexpr int64_t kSecond = 1'000'000;
    return std::min(kSecond << std::clamp(failures - 1, 0, 20), 300 * kSecond);
}

// The same failure again and again is logged at its 1st, 2nd, 4th, 8th ... time.
inline bool worth_logging(int failures) { return (failures & (failures - 1)) == 0; }

}  // namespace kpi::worker
