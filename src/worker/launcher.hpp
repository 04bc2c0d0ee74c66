// The launcher: keeps one worker in each database that wants one. It is the only process that the
// postmaster restarts.
//
// Situations it must survive, each with a test in test/cluster/test_worker_*.py:
// - CREATE or DROP EXTENSION, committed or not: database settings are transactional, a commit
//   rings it.
// - A database without the extension (dropped by hand, restored without it): its worker leaves and
//   is asked again rarely.
// - A worker that fails, is terminated or crashes: started again 1 s later, then 2, 4, ... up to 5
//   minutes.
// - kpi.worker = off: the worker ends. Other kpi.* settings of a database changed: it ends and is
//   started again with the new ones.
// - More databases than max_worker_processes or kpi.max_workers allow: they take turns, those with
//   something to do first.
// - Templates, databases that allow no connections, dropped and renamed databases: never connected
//   to, forgotten.
#pragma once

namespace kpi::worker {

// Runs until the process is told to end. Errors leave it: the postmaster starts a new one.
void run_launcher();

}  // namespace kpi::worker
