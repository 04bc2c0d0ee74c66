// The mains of the background processes.
#include "pg/elsewhere.hpp"
#include "pg/guard.hpp"
#include "pg/process.hpp"
#include "worker/courier.hpp"
#include "worker/launcher.hpp"
#include "worker/loop.hpp"
#include "worker/steward.hpp"

extern "C" {
PGDLLEXPORT void kpi_ext_launcher_main(Datum argument);
PGDLLEXPORT void kpi_ext_worker_main(Datum argument);
PGDLLEXPORT void kpi_ext_courier_main(Datum argument);
PGDLLEXPORT void kpi_ext_steward_main(Datum argument);
PGDLLEXPORT void kpi_ext_errand_main(Datum argument);

void kpi_ext_launcher_main(Datum) {
    kpi::pg::enter([] {
        kpi::pg::become_launcher();
        kpi::worker::run_launcher();
    });
}

void kpi_ext_worker_main(Datum argument) {
    kpi::pg::enter([argument] {
        kpi::pg::become_worker(DatumGetObjectId(argument));
        kpi::worker::run_worker();
    });
}

void kpi_ext_courier_main(Datum argument) {
    kpi::pg::enter([argument] {
        kpi::pg::become_courier(DatumGetObjectId(argument));
        kpi::worker::run_courier();
    });
}

void kpi_ext_steward_main(Datum argument) {
    kpi::pg::enter([argument] {
        kpi::pg::become_steward(DatumGetObjectId(argument));
        kpi::worker::run_steward();
    });
}

void kpi_ext_errand_main(Datum argument) {
    kpi::pg::enter([argument] { kpi::pg::answer_elsewhere(DatumGetUInt32(argument)); });
}
}
