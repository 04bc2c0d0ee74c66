#include "pg/wait.hpp"

#include "pg/guard.hpp"

namespace kpi::pg {

Waiter::Waiter() {
    call([this] {
        set_ = KPI_CREATE_WAIT_SET(2);
        AddWaitEventToSet(set_, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
        AddWaitEventToSet(set_, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
    });
}

Waiter::~Waiter() {
    attempt([this] { FreeWaitEventSet(set_); });
}

void Waiter::wait(int64_t milliseconds) {
    call([&] {
        // SIGHUP first: one that came before the handler was installed must not be lost behind a
        // long wait.
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
        WaitEvent event;
        WaitEventSetWait(set_, long(std::max<int64_t>(milliseconds, 0)), &event, 1,
                         PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
    });
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

}  // namespace kpi::pg
