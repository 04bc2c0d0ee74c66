// SQL functions of gauges: kpi.publish, kpi.unpublish, kpi.prometheus_text.
#include "monitor/publication/publication.hpp"
#include "pg/function.hpp"
#include "pg/lock.hpp"

KPI_FUNCTION(publish) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::monitor::Publication publication;
    publication.sink = kpi::pg::text_argument(fcinfo, 0);
    publication.wish.metrics = kpi::pg::text_array(fcinfo, 1);
    publication.wish.by = kpi::pg::text_array(fcinfo, 2);
    if (!PG_ARGISNULL(3)) publication.wish.top = PG_GETARG_INT32(3);
    publication.wish.rank_by = kpi::pg::optional_text(fcinfo, 4);
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

KPI_FUNCTION(prometheus_text) {
    kpi::monitor::GaugeWish wish;
    const bool every_metric = PG_ARGISNULL(0);
    if (!every_metric) wish.metrics = kpi::pg::text_array(fcinfo, 0);
    wish.by = kpi::pg::text_array(fcinfo, 1);
    if (!PG_ARGISNULL(2)) wish.top = PG_GETARG_INT32(2);
    wish.rank_by = kpi::pg::optional_text(fcinfo, 3);
    std::string answer;
    {
        const kpi::pg::Spi spi;
        answer = kpi::monitor::prometheus_text(wish, every_metric);
    }
    return kpi::pg::text_datum(answer);
}
