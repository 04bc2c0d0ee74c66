// Who serves: the launcher of the server, the worker and the courier of a database. One of each; a
// seat is given back when its process ends, however it ends.
#pragma once

#include <cstdint>

namespace kpi::pg {

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
// Why the last worker of the database ended (and forgets it); `failed` unless it said otherwise.
Leave take_leave(uint32_t database) noexcept;
bool is_rung(uint32_t database) noexcept;
// A worker of the database runs, whoever started it; and its end: a launcher that starts anew must
// not leave it beside its own.
bool is_seated(uint32_t database) noexcept;
void end_worker(uint32_t database) noexcept;
void end_all_workers() noexcept;

}  // namespace kpi::pg
