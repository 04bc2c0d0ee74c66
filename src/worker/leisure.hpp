// What the worker does when it has nothing else to do: it compares samples of closed days with the
// facts views, one source at a time. At most one in a hundred of its time, and at most once a
// kpi.verify_interval.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pg/waiter.hpp"
#include "worker/steps.hpp"

namespace kpi::worker {

class Leisure {
public:
    explicit Leisure(Steps &steps) : steps_(steps) {}
    // `sources`: those that may be worked on. True: a difference was marked, to be repaired.
    bool spend(const std::vector<std::string> &sources);

private:
    bool compare(const std::string &source);

    Steps &steps_;
    std::string last_;                           // the source of the last sample
    std::map<std::string, std::string> begins_;  // where the next sample of each begins
    int64_t last_at_ = pg::ticks(), rest_until_ = 0;
};

}  // namespace kpi::worker
