// entry: the C doors. SQL functions, triggers, worker mains; each reads its arguments, calls a
// room, returns. May include every room. No logic here.
//
// This file: the magic block and _PG_init. Nothing global is constructed: the library is loaded in
// the postmaster.
#include "engine/capture/transaction.hpp"
#include "engine/capture/trigger.hpp"
#include "net/wire/egress.hpp"
#include "pg/enrolment.hpp"
#include "pg/owner_code.hpp"
#include "pg/permission_hint.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "pg/slots.hpp"

#include "pg/prelude.hpp"

namespace {

// The setting is checked by the room that uses it. The text lives until the next check.
const char *check_hosts(const char *patterns) noexcept {
    static char fault[256];
    try {
        (void)kpi::net::Egress(patterns);
        return nullptr;
    } catch (const std::exception &error) {
        strlcpy(fault, error.what(), sizeof fault);
        return fault;
    }
}

}  // namespace

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void _PG_init(void) {
    // pg_upgrade starts the server to copy catalogs: no workers, no callbacks.
    if (IsBinaryUpgrade) return;
    kpi::pg::set_host_check(check_hosts);
    kpi::pg::define_settings();
    kpi::pg::prepare_shared();
    kpi::capture::register_callbacks();
    kpi::capture::register_invalidation();
    kpi::pg::watch_enrolment();
    kpi::pg::watch_owner_code();
    kpi::pg::watch_permissions();
    // Preloaded once: a library loaded later cannot have shared memory or a launcher; CALL
    // kpi.work() serves.
    if (process_shared_preload_libraries_in_progress) kpi::pg::register_launcher();
}
}
