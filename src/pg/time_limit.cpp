#include "pg/time_limit.hpp"

#include <limits>

#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

int last_resort = -1;  // TimeoutId

// In a signal handler, as PostgreSQL's own.
void die_soon() {
    ProcDiePending = true;
    InterruptPending = true;
    SetLatch(MyLatch);
}

}  // namespace

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

}  // namespace kpi::pg
