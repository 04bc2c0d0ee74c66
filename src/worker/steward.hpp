// The steward: runs the chores of a database on a timer of its own. A process of its own beside the
// worker, so that a slow check delays no merge. It ends when the extension or the worker is gone.
#pragma once

namespace kpi::worker {

// The main of the process.
void run_steward();

}  // namespace kpi::worker
