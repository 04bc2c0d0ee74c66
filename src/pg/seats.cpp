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

int64_t alone_since = 0;                // a helper: since when no worker keeps it
constexpr int64_t kAlone = 10'000'000;  // microseconds

HelperSeat &seat_of(Helper helper) { return own->helpers[int(helper)]; }

void release_helper_seat(int, Datum helper) { leave_helper_seat(Helper(DatumGetInt32(helper))); }

}  // namespace

void leave_helper_seat(Helper helper) noexcept {
    HelperSeat &place = seat_of(helper);
    if (pg_atomic_read_u32(&place.seat) != my_seat()) return;
    pg_atomic_write_u32(&place.pid, 0);
    pg_atomic_write_u32(&place.seat, 0);
}

void take_helper_seat(Helper helper) {
    find_worker_slot();
    if (own == nullptr) throw Error("55000", "the launcher has no slot for this database");
    call([helper] { before_shmem_exit(release_helper_seat, Int32GetDatum(int(helper))); });
    HelperSeat &place = seat_of(helper);
    uint32 nobody = 0;
    if (!pg_atomic_compare_exchange_u32(&place.seat, &nobody, my_seat()))
        throw Error("55006", "another process of kpi_ext does this for this database");
    pg_atomic_write_u32(&place.end, 0);
    pg_atomic_write_u32(&place.pid, uint32(MyProcPid));
    pg_memory_barrier();
}

bool helper_must_end(Helper helper) noexcept {
    // kpi.worker = off: the launcher has given the slot back.
    if (pg_atomic_read_u32(&own->database) != MyDatabaseId) return true;
    if (pg_atomic_read_u32(&seat_of(helper).end) != 0) return true;
    if (pg_atomic_read_u32(&own->seat) != 0) {
        alone_since = 0;
        return false;
    }
    const int64_t time = ticks();
    if (alone_since == 0) alone_since = time;
    return time - alone_since > kAlone;
}

bool is_helper_seated(Helper helper) noexcept {
    return pg_atomic_read_u32(&seat_of(helper).seat) != 0;
}

void ask_helpers_to_end() noexcept {
    for (HelperSeat &place : own->helpers) {
        const uint32 seat = pg_atomic_read_u32(&place.seat);
        if (seat == 0) continue;
        pg_atomic_write_u32(&place.end, 1);
        wake(seat);
    }
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
