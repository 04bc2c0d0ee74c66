// Which databases want a worker: those with ALTER DATABASE ... SET kpi.worker = on, read in shared
// catalogs only, so that the launcher connects to no database to find out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kpi::pg {

struct Enrolled {
    uint32_t database = 0;
    std::string name;
    std::string settings;  // the database's own kpi.* settings: a worker restarts when they change
};
// Inside a Transaction. Templates and databases that allow no connections are left out.
std::vector<Enrolled> enrolled_databases();

// In _PG_init: rings the launcher when a transaction that changed database settings commits, and
// takes kpi.worker out of the database's settings when the extension is dropped.
void watch_enrolment();

}  // namespace kpi::pg
