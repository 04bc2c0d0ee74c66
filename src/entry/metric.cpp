// SQL functions of the registry of metrics: kpi.define, kpi.undefine, kpi.set_unit,
// kpi.set_target.
#include "engine/registry/define.hpp"
#include "engine/registry/target.hpp"
#include "engine/registry/unit.hpp"
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

KPI_FUNCTION(set_unit) {
    kpi::engine::Unit unit{optional_text(fcinfo, 1), optional_text(fcinfo, 2), {}};
    if (!PG_ARGISNULL(3)) unit.decimals = PG_GETARG_INT32(3);
    const kpi::pg::Spi spi;
    kpi::engine::set_unit(text_argument(fcinfo, 0), unit);
    PG_RETURN_VOID();
}

KPI_FUNCTION(set_target) {
    const auto day = [&](int index, const char *name) {
        if (PG_ARGISNULL(index))
            throw kpi::Error("22004", std::string("argument \"") + name + "\" must not be null");
        return kpi::Date{PG_GETARG_DATEADT(index)};
    };
    kpi::engine::Target target;
    target.metric = text_argument(fcinfo, 0);
    target.value = kpi::pg::output_text(fcinfo, 1);
    target.first = day(2, "first_day");
    target.last = day(3, "last_day");
    target.segment = text_argument(fcinfo, 4);
    const kpi::pg::Spi spi;
    kpi::engine::set_target(target);
    PG_RETURN_VOID();
}
