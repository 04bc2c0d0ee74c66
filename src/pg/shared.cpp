#include "pg/shared.hpp"

#include "pg/guard.hpp"
#include "pg/settings.hpp"
#include "pg/waiter.hpp"

namespace kpi::pg {
namespace {

constexpr uint32 kSlots = 1024;

// One cache line pair each, so that databases do not slow each other down.
struct alignas(128) Slot {
    pg_atomic_uint32 database;  // 0: free. Assigned by the launcher only
    pg_atomic_uint32 seat;      // worker's number in the process array + 1, 0: none
    pg_atomic_uint32 pid;
    pg_atomic_uint32 pending;
    pg_atomic_uint32 urgent;
    pg_atomic_uint32 deltas;
    pg_atomic_uint32 leave;
    pg_atomic_uint32 courier_seat, courier_pid, courier_end;
    // what the worker is working on; what one died of, and how many in a row of the same
    pg_atomic_uint32 task, suspect, deaths;
    pg_atomic_uint64 rings, wakes, rounds;
    pg_atomic_uint64 started_at, round_at, heartbeat_at, drained_at;
};

struct Shared {
    pg_atomic_uint32 launcher_seat, launcher_pid;
    pg_atomic_uint32 waiting, refusal;
    pg_atomic_uint32 used;  // slots beyond this one were never assigned
    Slot slots[kSlots];
};
static_assert(std::is_trivially_copyable_v<Shared>);

// Process-local: the mapping, this backend's slot, and what its transaction asked to ring.
Shared *shared = nullptr;
Slot *own = nullptr;
bool ring_armed = false;
bool courier_armed = false;
int64_t alone_since = 0;  // courier: since when no worker keeps it
Urgency armed_urgency = Urgency::usual;

shmem_startup_hook_type next_startup = nullptr;
#if PG_VERSION_NUM >= 150000
shmem_request_hook_type next_request = nullptr;

void request_memory() {
    if (next_request != nullptr) next_request();
    RequestAddinShmemSpace(sizeof(Shared));
}
#endif

void clear(Slot &slot, uint32 database) {
    for (auto *word : {&slot.seat, &slot.pid, &slot.pending, &slot.urgent, &slot.deltas,
                       &slot.leave, &slot.courier_seat, &slot.courier_pid, &slot.courier_end,
                       &slot.task, &slot.suspect, &slot.deaths})
        pg_atomic_write_u32(word, 0);
    for (auto *word : {&slot.rings, &slot.wakes, &slot.rounds, &slot.started_at, &slot.round_at,
                       &slot.heartbeat_at, &slot.drained_at})
        pg_atomic_write_u64(word, 0);
    pg_write_barrier();
    pg_atomic_write_u32(&slot.database, database);
}

void init(Shared *memory) {
    for (auto *word : {&memory->launcher_seat, &memory->launcher_pid, &memory->waiting,
                       &memory->refusal, &memory->used})
        pg_atomic_init_u32(word, 0);
    for (Slot &slot : memory->slots) {
        for (auto *word : {&slot.database, &slot.seat, &slot.pid, &slot.pending, &slot.urgent,
                           &slot.deltas, &slot.leave, &slot.courier_seat, &slot.courier_pid,
                           &slot.courier_end, &slot.task, &slot.suspect, &slot.deaths})
            pg_atomic_init_u32(word, 0);
        for (auto *word : {&slot.rings, &slot.wakes, &slot.rounds, &slot.started_at, &slot.round_at,
                           &slot.heartbeat_at, &slot.drained_at})
            pg_atomic_init_u64(word, 0);
    }
}

// Runs in the postmaster, and in every process on platforms without fork.
void attach() {
    if (next_startup != nullptr) next_startup();
    bool found = false;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    auto *memory = static_cast<Shared *>(ShmemInitStruct("kpi_ext", sizeof(Shared), &found));
    if (!found) init(memory);
    LWLockRelease(AddinShmemInitLock);
    shared = memory;
    own = nullptr;
}

Slot *find(uint32 database) noexcept {
    if (shared == nullptr || database == 0) return nullptr;
    const uint32 used = std::min(pg_atomic_read_u32(&shared->used), kSlots);
    for (uint32 i = 0; i < used; ++i)
        if (pg_atomic_read_u32(&shared->slots[i].database) == database) return &shared->slots[i];
    return nullptr;
}

void wake(uint32 seat) noexcept {
    if (seat != 0) SetLatch(&GetPGProcByNumber(seat - 1)->procLatch);
}

void at_transaction_end(XactEvent event, void *) {
    if (courier_armed) {
        if (event == XACT_EVENT_COMMIT) {
            const uint32 seat = own == nullptr ? 0 : pg_atomic_read_u32(&own->courier_seat);
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

void prepare_shared() {
    RegisterXactCallback(at_transaction_end, nullptr);
    if (!process_shared_preload_libraries_in_progress) return;
#if PG_VERSION_NUM >= 150000
    next_request = shmem_request_hook;
    shmem_request_hook = request_memory;
#else
    RequestAddinShmemSpace(sizeof(Shared));
#endif
    next_startup = shmem_startup_hook;
    shmem_startup_hook = attach;
}

bool shared_ready() noexcept { return shared != nullptr; }

void find_worker_slot() noexcept {
    if (own != nullptr && pg_atomic_read_u32(&own->database) == MyDatabaseId) return;
    own = find(MyDatabaseId);
}

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

bool assign_slot(uint32_t database) noexcept {
    if (find(database) != nullptr) return true;
    for (uint32 i = 0; i < kSlots; ++i) {
        Slot &slot = shared->slots[i];
        if (pg_atomic_read_u32(&slot.database) != 0) continue;
        clear(slot, database);
        pg_atomic_write_u32(&shared->used, std::max(pg_atomic_read_u32(&shared->used), i + 1));
        return true;
    }
    return false;
}

void free_slot(uint32_t database) noexcept {
    if (Slot *slot = find(database)) pg_atomic_write_u32(&slot->database, 0);
}

Leave take_leave(uint32_t database) noexcept {
    Slot *slot = find(database);
    return slot == nullptr ? Leave::failed
                           : Leave(pg_atomic_exchange_u32(&slot->leave, uint32(Leave::failed)));
}

bool is_rung(uint32_t database) noexcept {
    const Slot *slot = find(database);
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
    Slot *slot = find(database);
    return slot != nullptr && pg_atomic_read_u32(&slot->seat) != 0;
}

void end_worker(uint32_t database) noexcept {
    if (Slot *slot = find(database)) end(*slot);
}

void end_all_workers() noexcept {
    for (Slot &slot : shared->slots) end(slot);
}

void report_waiting(uint32_t databases, Refusal why) noexcept {
    pg_atomic_write_u32(&shared->waiting, databases);
    pg_atomic_write_u32(&shared->refusal, uint32(why));
}

WorkerState worker_state() noexcept {
    WorkerState state;
    if (shared == nullptr) return state;
    state.launcher_pid = int32_t(pg_atomic_read_u32(&shared->launcher_pid));
    state.waiting = pg_atomic_read_u32(&shared->waiting);
    state.refusal = Refusal(pg_atomic_read_u32(&shared->refusal));
    find_worker_slot();
    if (own == nullptr) return state;
    state.enrolled = true;
    state.pid = int32_t(pg_atomic_read_u32(&own->pid));
    state.courier_pid = int32_t(pg_atomic_read_u32(&own->courier_pid));
    state.pending = pg_atomic_read_u32(&own->pending) != 0;
    state.rings = pg_atomic_read_u64(&own->rings);
    state.wakes = pg_atomic_read_u64(&own->wakes);
    state.rounds = pg_atomic_read_u64(&own->rounds);
    state.started_at = int64_t(pg_atomic_read_u64(&own->started_at));
    state.heartbeat_at = int64_t(pg_atomic_read_u64(&own->heartbeat_at));
    state.drained_at = int64_t(pg_atomic_read_u64(&own->drained_at));
    return state;
}

}  // namespace kpi::pg
