// Who serves: the launcher of the server, the worker of a database and its helpers. One of each; a
// seat is given back when its process ends, however it ends.
#pragma once

#include <cstdint>

namespace kpi::pg {

// --- the helpers of this database's worker, each a process of its own: the courier delivers, the
// steward runs checks and probes
enum class Helper : uint8_t { courier, steward };
constexpr int kHelpers = 2;
// Errors: as take_worker_seat.
void take_helper_seat(Helper helper);
// It was asked to finish what it is at and end, or nobody has kept it for a while.
bool helper_must_end(Helper helper) noexcept;
// The next one may come: this one only finishes what it is at.
void leave_helper_seat(Helper helper) noexcept;
bool is_helper_seated(Helper helper) noexcept;
// By the worker that starts: the next helpers have the present settings.
void ask_helpers_to_end() noexcept;

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
// Why the last worker of the database ended (and forgets it); `failed` unless it said otherwise.
Leave take_leave(uint32_t database) noexcept;
bool is_rung(uint32_t database) noexcept;
// A worker of the database runs, whoever started it; and its end: a launcher that starts anew must
// not leave it beside its own.
bool is_seated(uint32_t database) noexcept;
void end_worker(uint32_t database) noexcept;
void end_all_workers() noexcept;

}  // namespace kpi::pg
