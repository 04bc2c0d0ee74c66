// Shared memory of the worker: one slot per database that wants one. It holds numbers only; another
// process is named by its place in the process array, never by a pointer or a file descriptor.
// Exists only in a preloaded library: without it every function here does nothing, and kpi.work()
// serves.
//
// Waking, and why nothing is lost: a writer rings when its commit is visible: pending := 1, and
// SetLatch if it was 0. The worker resets its latch, clears pending (a full barrier), and takes its
// snapshot after that. A ring before the clearing is in the snapshot; a ring after it finds 0 and
// sets the latch.
#pragma once

#include <cstdint>
#include <optional>

namespace kpi::pg {

// In _PG_init: asks for the memory, registers the commit callback and the hook that notices ALTER
// DATABASE ... SET.
void prepare_shared();
// False without shared_preload_libraries.
bool shared_ready() noexcept;

// --- writers
// Finds this backend's slot. Called at the first capture of a transaction, where errors are still
// allowed.
void find_worker_slot() noexcept;
// For COMMIT callbacks: no memory, no catalog, no lock. Wakes the worker once per burst: when
// nobody has rung since its last round began, and again when the deltas since then cross
// kpi.merge_threshold. `deltas`: rows this commit flushed.
void ring_worker(uint32_t deltas = 1) noexcept;

// urgent: window sources are recomputed in the next round, due or not
enum class Urgency { usual, urgent };
// Rings when the running transaction commits, not before. Works with no slot yet: the launcher
// looks for new databases.
void ring_at_commit(Urgency urgency = Urgency::usual);

// Wakes the courier of this database when the running transaction commits; the worker, which starts
// one, when there is none.
void ring_courier_at_commit();

// --- the courier of this database
// Errors: as take_worker_seat.
void take_courier_seat();
// It was asked to finish what is in flight and end, or nobody has kept it for a while.
bool courier_must_end() noexcept;
// The next courier may come: this one only finishes what it has in flight.
void leave_courier_seat() noexcept;
bool is_courier_seated() noexcept;
// By the worker that starts: the next courier has the present settings.
void ask_courier_to_end() noexcept;

// --- the worker of this database
enum class Leave : uint32_t { failed, no_extension, yielded };
struct Bell {
    bool urgent = false;
};
// Errors: 55006 when the database has a worker already, 55000 when the launcher gave it no slot.
void take_worker_seat();
// Clears pending: called after ResetLatch and before the round's first snapshot.
Bell begin_round() noexcept;
// Somebody has rung since begin_round; the deltas rung since then.
bool is_rung_here() noexcept;
uint32_t deltas_rung() noexcept;
// What a worker is working on, by a number that is not 0: its successor learns what it died of, and
// of how many in a row.
void begin_task(uint32_t task) noexcept;
void end_task() noexcept;
struct Suspect {
    uint32_t task = 0;  // 0: none
    uint32_t deaths = 0;
};
Suspect take_suspect() noexcept;
enum class Outcome { drained, unfinished };
void end_round(Outcome outcome) noexcept;
void leave_seat(Leave why) noexcept;
// Databases that wait for a free worker: a worker with nothing to do makes room.
uint32_t databases_waiting() noexcept;

// --- the launcher
void take_launcher_seat();
bool assign_slot(uint32_t database) noexcept;  // idempotent; false: all slots are taken
void free_slot(uint32_t database) noexcept;
// Why the last worker of the database ended (and forgets it); `failed` unless it said otherwise.
Leave take_leave(uint32_t database) noexcept;
bool is_rung(uint32_t database) noexcept;
enum class Refusal : uint32_t { none, max_worker_processes, max_workers, slots };
// A worker of the database runs, whoever started it; and its end: a launcher that starts anew must
// not leave it beside its own.
bool is_seated(uint32_t database) noexcept;
void end_worker(uint32_t database) noexcept;
void end_all_workers() noexcept;
void report_waiting(uint32_t databases, Refusal why) noexcept;

// --- kpi.status(): times in microseconds since 2000-01-01, 0 = never
struct WorkerState {
    bool enrolled = false;  // the launcher knows this database
    int32_t pid = 0;        // 0: not running
    bool pending = false;
    uint64_t rings = 0, wakes = 0, rounds = 0;
    int64_t started_at = 0, heartbeat_at = 0, drained_at = 0;
    int32_t launcher_pid = 0, courier_pid = 0;
    uint32_t waiting = 0;  // databases without a free worker
    Refusal refusal = Refusal::none;
};
WorkerState worker_state() noexcept;

}  // namespace kpi::pg
