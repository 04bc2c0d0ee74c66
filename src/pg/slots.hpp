// Shared memory of the workers: one slot per database that wants one. Exists only in a preloaded
// library: without it every function here, in bell.hpp and in seats.hpp does nothing, and
// kpi.work() serves.
#pragma once

#include <cstdint>

namespace kpi::pg {

// In _PG_init: asks for the memory, registers the commit callback and the hook that notices ALTER
// DATABASE ... SET.
void prepare_shared();
// False without shared_preload_libraries.
bool shared_ready() noexcept;

// Finds this backend's slot. Called at the first capture of a transaction, where errors are still
// allowed.
void find_worker_slot() noexcept;

// --- the launcher
bool assign_slot(uint32_t database) noexcept;  // idempotent; false: all slots are taken
void free_slot(uint32_t database) noexcept;
enum class Refusal : uint32_t { none, max_worker_processes, max_workers, slots };
void report_waiting(uint32_t databases, Refusal why) noexcept;

// --- kpi.status(): times in microseconds since 2000-01-01, 0 = never
struct WorkerState {
    bool enrolled = false;  // the launcher knows this database
    int32_t pid = 0;        // 0: not running
    bool pending = false;
    uint64_t rings = 0, wakes = 0, rounds = 0;
    int64_t started_at = 0, heartbeat_at = 0, drained_at = 0;
    int32_t launcher_pid = 0, courier_pid = 0, steward_pid = 0;
    uint32_t waiting = 0;  // databases without a free worker
    Refusal refusal = Refusal::none;
};
WorkerState worker_state() noexcept;

}  // namespace kpi::pg
