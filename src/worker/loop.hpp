// The loop of a database's worker. Order, and why nothing is lost: reset the latch, clear
// `pending`, then take snapshots (pg/bell.hpp). It waits at most 5 seconds: COMMIT PREPARED, a
// crash between commit and ring, and sessions without the library ring nobody.
#pragma once

namespace kpi::worker {

// Runs until the extension is gone, another database needs the process, or the process is told to
// end. Throws when rounds keep failing: the launcher starts a new worker later.
void run_worker();

}  // namespace kpi::worker
