#include "pg/waiter.hpp"

#include <chrono>

#include "pg/guard.hpp"

namespace kpi::pg {

Waiter::Waiter() { build({}); }

Waiter::~Waiter() {
    attempt([this] {
        if (set_ != nullptr) FreeWaitEventSet(set_);
    });
}

void Waiter::watch(const std::vector<SocketEvent> &sockets) {
    call([this] {
        FreeWaitEventSet(set_);
        set_ = nullptr;
    });
    build(sockets);
}

// A set cannot lose a socket, so it is built anew.
void Waiter::build(const std::vector<SocketEvent> &sockets) {
    const SocketEvent *watched = sockets.data();
    const size_t count = sockets.size();
    call([&] {
        set_ = KPI_CREATE_WAIT_SET(int(count) + 2);
        AddWaitEventToSet(set_, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
        AddWaitEventToSet(set_, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
        for (size_t i = 0; i < count; ++i) {
            const uint32 events = (watched[i].readable ? WL_SOCKET_READABLE : 0) |
                                  (watched[i].writable ? WL_SOCKET_WRITEABLE : 0);
            if (events != 0) AddWaitEventToSet(set_, events, watched[i].socket, nullptr, nullptr);
        }
    });
}

void Waiter::wait(int64_t milliseconds) {
    constexpr int kEvents = 64;
    WaitEvent events[kEvents];
    int count = 0;
    call([&] {
        // SIGHUP first: one that came before the handler was installed must not be lost behind a
        // long wait.
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
        count = WaitEventSetWait(set_, long(std::max<int64_t>(milliseconds, 0)), events, kEvents,
                                 PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
    });
    happened_.clear();
    rung_ = false;
    for (int i = 0; i < count; ++i) {
        rung_ = rung_ || (events[i].events & WL_LATCH_SET) != 0;
        if (events[i].fd != PGINVALID_SOCKET && (events[i].events & WL_SOCKET_MASK) != 0)
            happened_.push_back({events[i].fd, (events[i].events & WL_SOCKET_READABLE) != 0,
                                 (events[i].events & WL_SOCKET_WRITEABLE) != 0});
    }
}

LoopMemory::LoopMemory() {
    call([this] {
        context_ = AllocSetContextCreate(TopMemoryContext, "kpi_ext loop", ALLOCSET_DEFAULT_SIZES);
    });
    MemoryContextSwitchTo(context_);
}

LoopMemory::~LoopMemory() {
    MemoryContextSwitchTo(TopMemoryContext);
    MemoryContextDelete(context_);
}

void LoopMemory::reset() {
    MemoryContextSwitchTo(context_);
    MemoryContextReset(context_);
}

int64_t now() noexcept { return GetCurrentTimestamp(); }

int64_t ticks() noexcept {
    using std::chrono::microseconds;
    // The clock itself may have begun a moment ago, with the machine.
    constexpr microseconds kBefore = std::chrono::hours(100'000);
    const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
    return (std::chrono::duration_cast<microseconds>(since_boot) + kBefore).count();
}

}  // namespace kpi::pg
