// What kpi_web counts of itself, for /metrics. Written by all threads.
#pragma once

#include <atomic>
#include <cstdint>

namespace kpi::web {

struct Stats {
    std::atomic<uint64_t> requests{0}, refused{0}, failed{0};  // all; 4xx; 5xx
    std::atomic<uint64_t> queries{0}, kept{0};  // asked of the database; answered without
    std::atomic<uint64_t> updates{0}, events{0}, dropped{0};  // events made; sent; slow clients
    std::atomic<int64_t> connections{0}, streams{0};          // open now; of them event streams
    std::atomic<bool> database_up{false};
};

}  // namespace kpi::web
