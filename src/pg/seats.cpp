#include "pg/seats.hpp"

#include "pg/guard.hpp"
#include "pg/slot_memory.hpp"
#include "pg/slots.hpp"
#include "pg/waiter.hpp"

namespace kpi::pg {
namespace {

uint32 my_seat() { return uint32(KPI_PROC_NUMBER(MyProc)) + 1; }

void release_worker_seat(int, Datum) {
    if (pg_atomic_read_u32(&own->seat) != my_seat()) return;
    pg_atomic_write_u32(&own->seat, 0);
    pg_atomic_write_u32(&own->pid, 0);
}

void release_launcher_seat(int, Datum) {
    pg_atomic_write_u32(&shared->launcher_seat, 0);
    pg_atomic_write_u32(&shared->launcher_pid, 0);
}

}  // namespace

void begin_task(uint32_t task) noexcept {
    if (own == nullptr || pg_atomic_read_u32(&own->pid) != uint32(MyProcPid)) return;
    pg_atomic_write_u32(&own->task, task);
}

void end_task() noexcept {
    if (own == nullptr || pg_atomic_read_u32(&own->pid) != uint32(MyProcPid)) return;
    // Only what the others died of, done to its end, is no suspect any more.
    if (pg_atomic_exchange_u32(&own->task, 0) == pg_atomic_read_u32(&own->suspect)) {
        pg_atomic_write_u32(&own->suspect, 0);
        pg_atomic_write_u32(&own->deaths, 0);
    }
}

Suspect take_suspect() noexcept {
    // Of the dead worker before this one: a session that works by hand must not take what the
    // living one is busy with.
    if (own == nullptr || pg_atomic_read_u32(&own->pid) != uint32(MyProcPid)) return {};
    const uint32 task = pg_atomic_exchange_u32(&own->task, 0);
    if (task == 0) return {};
    if (pg_atomic_exchange_u32(&own->suspect, task) != task) pg_atomic_write_u32(&own->deaths, 0);
    return {task, pg_atomic_add_fetch_u32(&own->deaths, 1)};
}

void take_worker_seat() {
    find_worker_slot();
    if (own == nullptr) throw Error("55000", "the launcher has no slot for this database");
    call([] { before_shmem_exit(release_worker_seat, 0); });
    uint32 nobody = 0;
    if (!pg_atomic_compare_exchange_u32(&own->seat, &nobody, my_seat()))
        throw Error("55006", "another kpi_ext worker serves this database");
    pg_atomic_write_u32(&own->leave, uint32(Leave::failed));
    pg_atomic_write_u64(&own->started_at, uint64(GetCurrentTimestamp()));
    pg_atomic_write_u32(&own->pid, uint32(MyProcPid));
    pg_memory_barrier();
}

namespace {

int64_t alone_since = 0;                // courier: since when no worker keeps it
constexpr int64_t kAlone = 10'000'000;  // microseconds

void release_courier_seat(int, Datum) { leave_courier_seat(); }

}  // namespace

void leave_courier_seat() noexcept {
    if (pg_atomic_read_u32(&own->courier_seat) != my_seat()) return;
    pg_atomic_write_u32(&own->courier_pid, 0);
    pg_atomic_write_u32(&own->courier_seat, 0);
}

void take_courier_seat() {
    find_worker_slot();
    if (own == nullptr) throw Error("55000", "the launcher has no slot for this database");
    call([] { before_shmem_exit(release_courier_seat, 0); });
    uint32 nobody = 0;
    if (!pg_atomic_compare_exchange_u32(&own->courier_seat, &nobody, my_seat()))
        throw Error("55006", "another kpi_ext courier serves this database");
    pg_atomic_write_u32(&own->courier_end, 0);
    pg_atomic_write_u32(&own->courier_pid, uint32(MyProcPid));
    pg_memory_barrier();
}

bool courier_must_end() noexcept {
    if (pg_atomic_read_u32(&own->courier_end) != 0) return true;
    if (pg_atomic_read_u32(&own->seat) != 0) {
        alone_since = 0;
        return false;
    }
    const int64_t time = ticks();
    if (alone_since == 0) alone_since = time;
    return time - alone_since > kAlone;
}

bool is_courier_seated() noexcept { return pg_atomic_read_u32(&own->courier_seat) != 0; }

void ask_courier_to_end() noexcept {
    const uint32 seat = pg_atomic_read_u32(&own->courier_seat);
    if (seat == 0) return;
    pg_atomic_write_u32(&own->courier_end, 1);
    wake(seat);
}

Bell begin_round() noexcept {
    pg_atomic_exchange_u32(&own->pending, 0);
    pg_atomic_exchange_u32(&own->deltas, 0);
    pg_atomic_fetch_add_u64(&own->rounds, 1);
    pg_atomic_write_u64(&own->round_at, uint64(GetCurrentTimestamp()));
    return Bell{pg_atomic_exchange_u32(&own->urgent, 0) != 0};
}

bool is_rung_here() noexcept { return pg_atomic_read_u32(&own->pending) != 0; }

uint32_t deltas_rung() noexcept { return pg_atomic_read_u32(&own->deltas); }

void end_round(Outcome outcome) noexcept {
    pg_atomic_write_u64(&own->heartbeat_at, uint64(GetCurrentTimestamp()));
    if (outcome == Outcome::drained)
        pg_atomic_write_u64(&own->drained_at, pg_atomic_read_u64(&own->round_at));
}

void leave_seat(Leave why) noexcept { pg_atomic_write_u32(&own->leave, uint32(why)); }

uint32_t databases_waiting() noexcept { return pg_atomic_read_u32(&shared->waiting); }

void take_launcher_seat() {
    if (shared == nullptr) throw Error("55000", "kpi_ext is not in shared_preload_libraries");
    call([] { before_shmem_exit(release_launcher_seat, 0); });
    pg_atomic_write_u32(&shared->launcher_pid, uint32(MyProcPid));
    pg_atomic_write_u32(&shared->launcher_seat, my_seat());
    pg_memory_barrier();
}

Leave take_leave(uint32_t database) noexcept {
    Slot *slot = find_slot(database);
    return slot == nullptr ? Leave::failed
                           : Leave(pg_atomic_exchange_u32(&slot->leave, uint32(Leave::failed)));
}

bool is_rung(uint32_t database) noexcept {
    const Slot *slot = find_slot(database);
    return slot != nullptr &&
           pg_atomic_read_u32(const_cast<pg_atomic_uint32 *>(&slot->pending)) != 0;
}

namespace {

void end(Slot &slot) {
    const auto pid = pid_t(pg_atomic_read_u32(&slot.pid));
    if (pid != 0) (void)kill(pid, SIGTERM);
}

}  // namespace

bool is_seated(uint32_t database) noexcept {
    Slot *slot = find_slot(database);
    return slot != nullptr && pg_atomic_read_u32(&slot->seat) != 0;
}

void end_worker(uint32_t database) noexcept {
    if (Slot *slot = find_slot(database)) end(*slot);
}

void end_all_workers() noexcept {
    for (Slot &slot : shared->slots) end(slot);
}

}  // namespace kpi::pg
