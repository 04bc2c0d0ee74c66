// Event trigger functions: what DDL does to tracked tables and views.
#include "engine/source/ddl.hpp"

#include "pg/function.hpp"
#include "pg/guard.hpp"

namespace {

// The statement's names are resolved in the session's search_path, everything after that in a
// pinned one.
template <class F>
Datum handle(FunctionCallInfo fcinfo, F f) {
    const kpi::pg::Ddl ddl = kpi::pg::read_ddl(fcinfo);
    const kpi::pg::LocalSettings pinned{{{"search_path", "pg_catalog, pg_temp"}}};
    kpi::pg::Spi spi;
    f(ddl);
    return Datum(0);
}

}  // namespace

KPI_FUNCTION(ddl_start) { return handle(fcinfo, kpi::engine::before_ddl); }

KPI_FUNCTION(ddl_end) { return handle(fcinfo, kpi::engine::after_ddl); }

KPI_FUNCTION(ddl_drop) { return handle(fcinfo, kpi::engine::after_drop); }
