#include "pg/time_limit.hpp"

#include <limits>

#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

int last_resort = -1;  // TimeoutId
int cancel = -1;       // likewise
volatile sig_atomic_t cancelled = 0;

// In a signal handler, as PostgreSQL's own.
void die_soon() {
    ProcDiePending = true;
    InterruptPending = true;
    SetLatch(MyLatch);
}

void cancel_soon() {
    cancelled = 1;
    QueryCancelPending = true;
    InterruptPending = true;
    SetLatch(MyLatch);
}

}  // namespace

void obey_cancel() {
    call([] { CHECK_FOR_INTERRUPTS(); });
}

TimeLimit::TimeLimit(int64_t milliseconds) : armed_(milliseconds > 0) {
    if (!armed_) return;
    const int limit = int(std::min<int64_t>(milliseconds, std::numeric_limits<int>::max() / 2));
    call([&] {
        if (last_resort < 0) last_resort = RegisterTimeout(USER_TIMEOUT, die_soon);
        enable_timeout_after(STATEMENT_TIMEOUT, limit);
        enable_timeout_after(TimeoutId(last_resort), 2 * limit);
    });
}

TimeLimit::~TimeLimit() {
    if (!armed_) return;
    attempt([] {
        disable_timeout(TimeoutId(last_resort), false);
        disable_timeout(STATEMENT_TIMEOUT, false);
    });
    // One that fired in the last moment cancels nothing else.
    QueryCancelPending = false;
}

CancelAfter::CancelAfter(int64_t milliseconds) : armed_(milliseconds > 0) {
    cancelled = 0;
    if (!armed_) return;
    const int limit = int(std::min<int64_t>(milliseconds, std::numeric_limits<int>::max()));
    call([&] {
        if (cancel < 0) cancel = RegisterTimeout(USER_TIMEOUT, cancel_soon);
        enable_timeout_after(TimeoutId(cancel), limit);
    });
}

CancelAfter::~CancelAfter() {
    if (!armed_) return;
    attempt([] { disable_timeout(TimeoutId(cancel), false); });
    // Not a cancel of the user's, which is still to be obeyed.
    if (fired()) QueryCancelPending = false;
}

bool CancelAfter::fired() const { return cancelled != 0; }

}  // namespace kpi::pg
