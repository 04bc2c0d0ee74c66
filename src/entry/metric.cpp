// SQL functions of the registry of metrics: kpi.define, kpi.undefine.
#include "engine/registry/define.hpp"
#include "pg/function.hpp"

using kpi::pg::optional_text;
using kpi::pg::text_argument;

KPI_FUNCTION(define) {
    const kpi::pg::Spi spi;
    kpi::engine::define({text_argument(fcinfo, 0), text_argument(fcinfo, 1),
                         optional_text(fcinfo, 2), text_argument(fcinfo, 3),
                         optional_text(fcinfo, 4)});
    PG_RETURN_VOID();
}

KPI_FUNCTION(undefine) {
    const kpi::pg::Spi spi;
    kpi::engine::undefine(text_argument(fcinfo, 0));
    PG_RETURN_VOID();
}
