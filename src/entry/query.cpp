// SQL functions that read: kpi.query, kpi.query_json, kpi.value.
#include "engine/query/query.hpp"
#include "pg/function.hpp"

namespace {

using kpi::pg::optional_text;
using kpi::pg::text_argument;

// NULL stands for the default of an argument that callers often pass through.
std::string text_or(FunctionCallInfo fcinfo, int index, const char *fallback) {
    return optional_text(fcinfo, index).value_or(fallback);
}

constexpr int64_t kNoLimit = INT32_MAX;

// NULL: no limit.
int64_t row_limit(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return 0;
    const int32 limit = PG_GETARG_INT32(index);
    if (limit < 1)
        throw kpi::Error("22023", "the number of rows must be at least 1", {},
                         "NULL means no limit.");
    return limit;
}

}  // namespace

KPI_FUNCTION(query) {
    kpi::pg::ResultSet out(fcinfo);
    const kpi::pg::Spi spi;
    kpi::engine::Request request;
    if (!PG_ARGISNULL(0)) request.metrics = kpi::pg::text_array(fcinfo, 0);
    request.start = text_or(fcinfo, 1, "7d");
    request.end = optional_text(fcinfo, 2);
    request.filters = text_or(fcinfo, 3, "{}");
    request.by = kpi::pg::text_array(fcinfo, 4);
    request.grain = text_or(fcinfo, 5, "day");
    request.compare = optional_text(fcinfo, 6);
    request.max_rows = row_limit(fcinfo, 7);
    request.order_by = optional_text(fcinfo, 8);
    request.top = row_limit(fcinfo, 9);
    request.expected = PG_ARGISNULL(11) || PG_GETARG_BOOL(11);
    if (!PG_ARGISNULL(10)) request.show = kpi::pg::text_array(fcinfo, 10);
    kpi::engine::query(request, out);
    return Datum(0);
}

KPI_FUNCTION(query_json) {
    std::string json;
    {
        const kpi::pg::Spi spi;
        kpi::engine::JsonRequest request;
        request.metric = optional_text(fcinfo, 0);
        request.start = text_or(fcinfo, 1, "7d");
        request.end = optional_text(fcinfo, 2);
        request.country = optional_text(fcinfo, 3);
        request.source = optional_text(fcinfo, 4);
        request.aggregate = text_or(fcinfo, 5, "daily");
        request.limit = row_limit(fcinfo, 6);
        if (request.limit == 0) request.limit = kNoLimit;
        request.filters = text_or(fcinfo, 7, "{}");
        json = kpi::engine::query_json(request);
    }
    const char *characters = json.c_str();
    return kpi::pg::call(
        [&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(characters)); });
}

KPI_FUNCTION(value) {
    kpi::Cell value;
    {
        const kpi::pg::Spi spi;
        kpi::engine::ValueRequest request{
            text_argument(fcinfo, 0), {}, text_or(fcinfo, 2, "{}"), text_or(fcinfo, 3, "day")};
        if (PG_ARGISNULL(1)) throw kpi::Error("22004", "argument \"at\" must not be null");
        request.at = {PG_GETARG_TIMESTAMPTZ(1)};
        if (TIMESTAMP_NOT_FINITE(request.at.microseconds))
            throw kpi::Error("22023", "argument \"at\" must be a finite time");
        value = kpi::engine::value_at(request);
    }
    if (!value) PG_RETURN_NULL();
    const char *digits = value->c_str();
    return kpi::pg::call([&] {
        return DirectFunctionCall3(numeric_in, CStringGetDatum(digits),
                                   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
    });
}
