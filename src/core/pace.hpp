// When something that is rung for may run again: at once after a pause, later while it is busy.
// Times in microseconds of one clock.
#pragma once

#include <algorithm>
#include <cstdint>

namespace kpi {

class Pace {
public:
    // Rest after a run, in times of what it took: a fifth of the time at most is spent running.
    static constexpr int64_t kRest = 4;
    static constexpr int64_t kLongestRest = 500'000;

    void ran(int64_t began, int64_t ended) {
        began_ = began;
        ended_ = ended;
    }
    // The earliest beginning of the next run; `interval`: the least time between two beginnings.
    int64_t next(int64_t interval) const {
        return std::max(began_ + interval,
                        ended_ + std::min(kRest * (ended_ - began_), kLongestRest));
    }

private:
    int64_t began_ = 0, ended_ = 0;
};

}  // namespace kpi
