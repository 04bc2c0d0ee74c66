// The time to sign requests with, seconds: a long upload goes on after the time its message was
// taken at.
#pragma once

#include <chrono>
#include <cstdint>

namespace kpi::net {

class SigningClock {
public:
    explicit SigningClock(int64_t unix_time) : unix_time_(unix_time) {}
    int64_t now() const {
        return unix_time_ + std::chrono::duration_cast<std::chrono::seconds>(
                                std::chrono::steady_clock::now() - start_)
                                .count();
    }

private:
    int64_t unix_time_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace kpi::net
