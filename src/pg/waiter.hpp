// The only place where the worker and the launcher wait: latch, timeout and postmaster death in one
// set, so that no wait can outlive a cancel, a ProcSignalBarrier (DROP DATABASE of anybody) or the
// server.
#pragma once

#include <cstdint>
#include <vector>

#include "core/socket_event.hpp"

struct WaitEventSet;
struct MemoryContextData;

namespace kpi::pg {

class Waiter {
public:
    Waiter();
    ~Waiter();
    Waiter(const Waiter &) = delete;
    Waiter &operator=(const Waiter &) = delete;
    // Waits until the latch is set, or `milliseconds` have passed. When it returns the latch is
    // reset, interrupts were processed (a SIGTERM does not return), and a changed configuration
    // file was read.
    void wait(int64_t milliseconds);
    // The sockets of the following waits, instead of the earlier ones. Each must be open.
    void watch(const std::vector<SocketEvent> &sockets);
    // What the last wait() saw on them.
    const std::vector<SocketEvent> &happened() const { return happened_; }
    // The latch was set.
    bool rung() const { return rung_; }

private:
    void build(const std::vector<SocketEvent> &sockets);

    WaitEventSet *set_ = nullptr;
    std::vector<SocketEvent> happened_;
    bool rung_ = false;
};

// What a process allocates outside transactions, freed at once by reset().
class LoopMemory {
public:
    LoopMemory();
    ~LoopMemory();
    LoopMemory(const LoopMemory &) = delete;
    LoopMemory &operator=(const LoopMemory &) = delete;
    // Empties the context and makes it the current one (the end of a transaction leaves another one
    // current).
    void reset();

private:
    MemoryContextData *context_ = nullptr;
};

// Microseconds since 2000-01-01, as the server's clock says: for what is shown and stored.
int64_t now() noexcept;
// Microseconds of a clock that nobody sets: for pauses and intervals, which must not grow when the
// server's clock is set back. Zero is years ago.
int64_t ticks() noexcept;

}  // namespace kpi::pg
