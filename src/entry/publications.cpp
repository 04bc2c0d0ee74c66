// SQL functions of gauges: kpi.publish, kpi.unpublish.
#include "monitor/publication/publication.hpp"
#include "pg/function.hpp"
#include "pg/lock.hpp"

KPI_FUNCTION(publish) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::monitor::Publication publication;
    publication.sink = kpi::pg::text_argument(fcinfo, 0);
    publication.metrics = kpi::pg::text_array(fcinfo, 1);
    publication.by = kpi::pg::text_array(fcinfo, 2);
    if (!PG_ARGISNULL(3)) publication.top = PG_GETARG_INT32(3);
    publication.rank_by = kpi::pg::optional_text(fcinfo, 4);
    publication.every = kpi::pg::output_text(fcinfo, 5).value_or("15 seconds");
    const kpi::pg::Spi spi;
    kpi::monitor::publish(caller, publication);
    PG_RETURN_VOID();
}

KPI_FUNCTION(unpublish) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::string sink = kpi::pg::text_argument(fcinfo, 0);
    const kpi::pg::Spi spi;
    return BoolGetDatum(kpi::monitor::unpublish(caller, sink));
}
