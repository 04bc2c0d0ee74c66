// Background processes: starting one, and becoming one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pg/seats.hpp"

struct BackgroundWorker;
struct BackgroundWorkerHandle;

namespace kpi::pg {

// In _PG_init of a preloaded library: the launcher, which the postmaster restarts.
void register_launcher();

// A database worker started by this process. Plain handle: copying it copies the name of the
// process, not the process.
class Process {
public:
    // nullopt: max_worker_processes are all in use. This process's latch is set when the worker
    // starts or stops.
    static std::optional<Process> start(uint32_t database, const std::string &name);
    // A helper for this process's database.
    static std::optional<Process> start_helper(Helper helper);
    bool stopped() const;
    void terminate() const;  // SIGTERM; does not wait
    void forget();           // frees the handle; after stopped()

private:
    static std::optional<Process> launch(BackgroundWorker &worker);

    BackgroundWorkerHandle *handle_ = nullptr;
};

// First act of a process's main: signal handlers, then signals, then the connection. The launcher
// connects to no database and sees shared catalogs only.
void become_launcher();
// Connects as the bootstrap superuser and overrides whatever the database or the configuration set
// for sessions, as autovacuum does: the worker's transactions are READ COMMITTED, read-write, in
// UTC, and never wait long for a lock.
void become_worker(uint32_t database);
// Likewise, but what it commits is on disk: a message must not be sent by a claim that a crash
// undoes.
void become_courier(uint32_t database);
// As the worker: what a steward writes is found again by the next one.
void become_steward(uint32_t database);

// One statement or a few in another database (elsewhere.hpp): starts the process with this argument
// and waits for its end. False: max_worker_processes are all in use.
bool run_errand(uint32_t argument);
// Connects as that role, with its rights.
void become_errand(uint32_t database, uint32_t role);

// pg_stat_activity: what the worker does; empty: idle.
void report_activity(const std::string &text);
// Hands the counters of changed rows to the statistics system, else autovacuum never sees them.
// Outside transactions.
void report_statistics();

}  // namespace kpi::pg
