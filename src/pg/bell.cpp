#include "pg/bell.hpp"

#include "pg/settings.hpp"
#include "pg/slot_memory.hpp"
#include "pg/slots.hpp"

namespace kpi::pg {
namespace {

// What the running transaction asked to ring.
bool ring_armed = false;
bool courier_armed = false;
Urgency armed_urgency = Urgency::usual;

void at_transaction_end(XactEvent event, void *) {
    if (courier_armed) {
        if (event == XACT_EVENT_COMMIT) {
            const uint32 seat =
                own == nullptr ? 0 : pg_atomic_read_u32(&own->helpers[int(Helper::courier)].seat);
            if (seat != 0)
                wake(seat);
            else
                ring_worker(0);
        }
        if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
            courier_armed = false;
    }
    if (!ring_armed) return;
    if (event == XACT_EVENT_COMMIT) {
        if (own != nullptr && armed_urgency == Urgency::urgent)
            pg_atomic_write_u32(&own->urgent, 1);
        ring_worker(0);
        if (own == nullptr) wake(pg_atomic_read_u32(&shared->launcher_seat));
    } else if (event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE) {
        return;
    }
    ring_armed = false;
    armed_urgency = Urgency::usual;
}

}  // namespace

void watch_bells() { RegisterXactCallback(at_transaction_end, nullptr); }

void ring_worker(uint32_t deltas) noexcept {
    if (own == nullptr) return;
    pg_atomic_fetch_add_u64(&own->rings, 1);
    const uint32 before = pg_atomic_fetch_add_u32(&own->deltas, deltas);
    const auto threshold = uint32(settings().merge_threshold);
    const bool crossed = before < threshold && before + deltas >= threshold;
    if (pg_atomic_exchange_u32(&own->pending, 1) != 0 && !crossed) return;
    pg_atomic_fetch_add_u64(&own->wakes, 1);
    const uint32 seat = pg_atomic_read_u32(&own->seat);
    wake(seat != 0 ? seat : pg_atomic_read_u32(&shared->launcher_seat));
}

void ring_at_commit(Urgency urgency) {
    if (shared == nullptr) return;
    find_worker_slot();
    ring_armed = true;
    if (urgency == Urgency::urgent) armed_urgency = urgency;
}

void ring_courier_at_commit() {
    if (shared == nullptr) return;
    find_worker_slot();
    courier_armed = true;
}

}  // namespace kpi::pg
