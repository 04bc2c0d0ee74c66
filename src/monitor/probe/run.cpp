#include "monitor/probe/run.hpp"

#include "pg/sql.hpp"
#include "pg/statement.hpp"

namespace kpi::monitor {

ProbeRun run_probe(const Probe &probe) {
    ProbeRun run;
    if (!probe.owner_exists) {
        run.mishap = pg::Mishap{"the role that owns the probe is gone", "42704"};
        return run;
    }
    run.mishap = pg::run_safely([&] {
        const pg::LocalSettings settings{{{"row_security", "on"}}};
        const pg::RunAs owner(probe.owner, pg::Restriction::reading);
        // Costs would make another plan of every ANALYZE.
        run.plan = pg::value("EXPLAIN (FORMAT JSON, COSTS OFF) " + probe.sql).value_or("");
        const pg::Timing timing = pg::time_statement(probe.sql);
        run.milliseconds = double(timing.microseconds) / 1000;
        run.rows = timing.rows;
    });
    return run;
}

}  // namespace kpi::monitor
