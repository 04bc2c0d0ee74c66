// entry: the C doors. SQL functions, triggers, worker mains; each reads its arguments, calls a
// room, returns. May include every room. No logic here.
//
// This file: the magic block and _PG_init. Nothing global is constructed: the library is loaded in
// the postmaster.
#include "engine/capture/transaction.hpp"
#include "engine/capture/trigger.hpp"
#include "pg/enrolment.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "pg/shared.hpp"

#include "pg/prelude.hpp"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void _PG_init(void) {
    // pg_upgrade starts the server to copy catalogs: no workers, no callbacks.
    if (IsBinaryUpgrade) return;
    kpi::pg::define_settings();
    kpi::pg::prepare_shared();
    kpi::capture::register_callbacks();
    kpi::capture::register_invalidation();
    kpi::pg::watch_enrolment();
    // Preloaded once: a library loaded later cannot have shared memory or a launcher; CALL
    // kpi.work() serves.
    if (process_shared_preload_libraries_in_progress) kpi::pg::register_launcher();
}
}
