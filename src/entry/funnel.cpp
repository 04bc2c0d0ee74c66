// SQL functions that follow keys from one source to the next: kpi.funnel, kpi.retention.
#include "engine/query/funnel.hpp"
#include "engine/query/retention.hpp"
#include "pg/function.hpp"

namespace {

using kpi::pg::optional_text;
using kpi::pg::text_argument;

// NULL: no limit.
int64_t row_limit(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return 0;
    const int32 limit = PG_GETARG_INT32(index);
    if (limit < 1)
        throw kpi::Error("22023", "the number of rows must be at least 1", {},
                         "NULL means no limit.");
    return limit;
}

kpi::engine::Length length_argument(FunctionCallInfo fcinfo, int index, const char *name) {
    if (PG_ARGISNULL(index))
        throw kpi::Error("22004", std::string("argument \"") + name + "\" must not be null");
    const Interval *length = PG_GETARG_INTERVAL_P(index);
    if (length->month != 0)
        throw kpi::Error("22023",
                         std::string("argument \"") + name + "\" must not count in months or years",
                         {}, "For example '30 days' or '12 hours'.");
    return {length->day, length->time};
}

}  // namespace

KPI_FUNCTION(funnel) {
    kpi::pg::ResultSet out(fcinfo);
    const kpi::pg::Spi spi;
    kpi::engine::FunnelRequest request;
    request.steps = kpi::pg::text_array(fcinfo, 0);
    request.start = optional_text(fcinfo, 1).value_or("30d");
    request.end = optional_text(fcinfo, 2);
    request.within = length_argument(fcinfo, 3, "within");
    request.by = kpi::pg::text_array(fcinfo, 4);
    request.filters = optional_text(fcinfo, 5).value_or("{}");
    request.grain = optional_text(fcinfo, 6);
    request.max_rows = row_limit(fcinfo, 7);
    kpi::engine::funnel(request, out);
    return Datum(0);
}

KPI_FUNCTION(retention) {
    kpi::pg::ResultSet out(fcinfo);
    const kpi::pg::Spi spi;
    kpi::engine::RetentionRequest request;
    request.metric = text_argument(fcinfo, 0);
    request.start = optional_text(fcinfo, 1).value_or("12w");
    request.end = optional_text(fcinfo, 2);
    request.grain = optional_text(fcinfo, 3).value_or("week");
    if (PG_ARGISNULL(4)) throw kpi::Error("22004", "argument \"periods\" must not be null");
    request.periods = PG_GETARG_INT32(4);
    request.returning = optional_text(fcinfo, 5);
    request.by = kpi::pg::text_array(fcinfo, 6);
    request.filters = optional_text(fcinfo, 7).value_or("{}");
    request.max_rows = row_limit(fcinfo, 8);
    kpi::engine::retention(request, out);
    return Datum(0);
}
