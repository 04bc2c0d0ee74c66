// kpi.detect: any table or view, judged row by row.
#include "monitor/detect.hpp"
#include "pg/function.hpp"
#include "pg/guard.hpp"

namespace {

using kpi::pg::optional_text;
using kpi::pg::text_argument;

std::optional<double> optional_number(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return PG_GETARG_FLOAT8(index);
}

kpi::monitor::DetectRequest request_of(FunctionCallInfo fcinfo) {
    kpi::monitor::DetectRequest r;
    if (PG_ARGISNULL(0)) throw kpi::Error("22004", "argument \"rel\" must not be null");
    r.relation = kpi::pg::qualified(kpi::ObjectId{PG_GETARG_OID(0)});
    r.at = text_argument(fcinfo, 1);
    r.value = text_argument(fcinfo, 2);
    r.by = kpi::pg::text_array(fcinfo, 3);
    r.denominator = optional_text(fcinfo, 4);
    if (!PG_ARGISNULL(5)) r.calendar = kpi::ObjectId{PG_GETARG_OID(5)};
    r.kind = text_argument(fcinfo, 6);
    r.method = text_argument(fcinfo, 7);
    if (const auto grain = optional_text(fcinfo, 8)) r.grain = kpi::monitor::grain_unit(*grain);
    r.threshold = optional_number(fcinfo, 9);
    r.direction = text_argument(fcinfo, 10);
    r.min_history = PG_ARGISNULL(11) ? 28 : PG_GETARG_INT32(11);
    r.partial = text_argument(fcinfo, 12);
    r.fdr = optional_number(fcinfo, 13);
    r.min_impact = optional_number(fcinfo, 14).value_or(0);
    if (!PG_ARGISNULL(15)) r.since = kpi::Timestamp{PG_GETARG_TIMESTAMPTZ(15)};
    return r;
}

}  // namespace

KPI_FUNCTION(detect) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    const kpi::monitor::DetectRequest request = request_of(fcinfo);
    kpi::monitor::check_columns(kpi::ObjectId{PG_GETARG_OID(0)}, request);
    kpi::monitor::detect(request, result);
    return Datum{0};
}
