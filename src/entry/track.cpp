// SQL functions that turn a view into a source and back.
#include "engine/source/track.hpp"
#include "engine/source/add_measure.hpp"

#include "pg/function.hpp"
#include "pg/guard.hpp"

KPI_FUNCTION(track) {
    kpi::engine::TrackRequest request;
    if (PG_ARGISNULL(0)) throw kpi::Error("22004", "argument \"facts\" must not be null");
    request.facts = kpi::ObjectId{PG_GETARG_OID(0)};
    request.time_column = kpi::pg::text_argument(fcinfo, 1);
    request.dimensions = kpi::pg::text_array(fcinfo, 2);
    request.name = kpi::pg::optional_text(fcinfo, 3);
    request.timezone = kpi::pg::optional_text(fcinfo, 4);
    request.capture = kpi::pg::text_argument(fcinfo, 5);
    request.lookback = kpi::pg::text_argument(fcinfo, 6);
    request.hour_retention = kpi::pg::text_argument(fcinfo, 7);
    request.build = kpi::pg::text_argument(fcinfo, 8);
    request.aggregates = kpi::pg::text_argument(fcinfo, 9);
    std::string name;
    {
        kpi::pg::Spi spi;
        name = kpi::engine::track(request);
    }
    return kpi::pg::text_datum(name);
}

KPI_FUNCTION(add_measure) {
    kpi::pg::Spi spi;
    kpi::engine::add_measure(kpi::pg::text_argument(fcinfo, 0), kpi::pg::text_argument(fcinfo, 1),
                             kpi::pg::text_argument(fcinfo, 2));
    PG_RETURN_VOID();
}

KPI_FUNCTION(untrack) {
    kpi::pg::Spi spi;
    kpi::engine::untrack(kpi::pg::text_argument(fcinfo, 0));
    PG_RETURN_VOID();
}
