#include "worker/steward.hpp"

#include "core/error.hpp"
#include "pg/process.hpp"
#include "pg/seats.hpp"
#include "pg/waiter.hpp"
#include "worker/chores.hpp"

namespace kpi::worker {
namespace {

constexpr int64_t kLookEvery = 5000;  // milliseconds

bool may_stay() { return !pg::helper_must_end(pg::Helper::steward); }

}  // namespace

void run_steward() {
    pg::take_helper_seat(pg::Helper::steward);
    pg::LoopMemory memory;
    pg::Waiter waiter;
    Steps steps;
    Chores chores(steps);
    while (may_stay()) {
        memory.reset();
        try {
            chores.run_due(may_stay);
        } catch (const Error &) {
            if (steps.gone()) return;
            throw;
        }
        waiter.wait(kLookEvery);
    }
}

}  // namespace kpi::worker
