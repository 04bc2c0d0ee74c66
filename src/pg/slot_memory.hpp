// For slots.cpp, bell.cpp and seats.cpp: what stands in shared memory, and this process's place in
// it. Numbers only; another process is named by its place in the process array, never by a pointer
// or a file descriptor.
#pragma once

#include "pg/seats.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {

constexpr uint32 kSlots = 1024;

struct HelperSeat {
    pg_atomic_uint32 seat, pid, end;
};

// One cache line pair each, so that databases do not slow each other down.
struct alignas(128) Slot {
    pg_atomic_uint32 database;  // 0: free. Assigned by the launcher only
    pg_atomic_uint32 seat;      // worker's number in the process array + 1, 0: none
    pg_atomic_uint32 pid;
    pg_atomic_uint32 pending;
    pg_atomic_uint32 urgent;
    pg_atomic_uint32 deltas;
    pg_atomic_uint32 leave;
    HelperSeat helpers[kHelpers];
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

// Null without shared_preload_libraries.
extern Shared *shared;
// This backend's database; null until find_worker_slot(), or when it has none.
extern Slot *own;

Slot *find_slot(uint32 database) noexcept;
// A seat is a place in the process array + 1; 0: nobody.
void wake(uint32 seat) noexcept;

}  // namespace kpi::pg
