#include "pg/slots.hpp"

#include "pg/bell.hpp"
#include "pg/slot_memory.hpp"

namespace kpi::pg {

Shared *shared = nullptr;
Slot *own = nullptr;

namespace {

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
                       &slot.leave, &slot.task, &slot.suspect, &slot.deaths})
        pg_atomic_write_u32(word, 0);
    for (HelperSeat &place : slot.helpers)
        for (auto *word : {&place.seat, &place.pid, &place.end}) pg_atomic_write_u32(word, 0);
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
                           &slot.deltas, &slot.leave, &slot.task, &slot.suspect, &slot.deaths})
            pg_atomic_init_u32(word, 0);
        for (HelperSeat &place : slot.helpers)
            for (auto *word : {&place.seat, &place.pid, &place.end}) pg_atomic_init_u32(word, 0);
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

}  // namespace

Slot *find_slot(uint32 database) noexcept {
    if (shared == nullptr || database == 0) return nullptr;
    const uint32 used = std::min(pg_atomic_read_u32(&shared->used), kSlots);
    for (uint32 i = 0; i < used; ++i)
        if (pg_atomic_read_u32(&shared->slots[i].database) == database) return &shared->slots[i];
    return nullptr;
}

void wake(uint32 seat) noexcept {
    if (seat != 0) SetLatch(&GetPGProcByNumber(seat - 1)->procLatch);
}

void prepare_shared() {
    watch_bells();
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
    own = find_slot(MyDatabaseId);
}

bool assign_slot(uint32_t database) noexcept {
    if (find_slot(database) != nullptr) return true;
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
    if (Slot *slot = find_slot(database)) pg_atomic_write_u32(&slot->database, 0);
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
    state.courier_pid = int32_t(pg_atomic_read_u32(&own->helpers[int(Helper::courier)].pid));
    state.steward_pid = int32_t(pg_atomic_read_u32(&own->helpers[int(Helper::steward)].pid));
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
