// How writers wake the worker and the courier of their database.
//
// Waking, and why nothing is lost: a writer rings when its commit is visible: pending := 1, and
// SetLatch if it was 0. The worker resets its latch, clears pending (a full barrier), and takes its
// snapshot after that. A ring before the clearing is in the snapshot; a ring after it finds 0 and
// sets the latch.
#pragma once

#include <cstdint>

namespace kpi::pg {

// Once per process, when the library is loaded.
void watch_bells();

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

}  // namespace kpi::pg
