// SQL functions of the calendar: kpi.add_event, kpi.drop_event, kpi.load_holidays.
#include "monitor/events.hpp"

#include "pg/function.hpp"

namespace {

using kpi::pg::optional_text;
using kpi::pg::text_argument;

std::optional<int> optional_year(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return PG_GETARG_INT32(index);
}

}  // namespace

KPI_FUNCTION(add_event) {
    const kpi::pg::Spi spi;
    kpi::monitor::NewEvent event;
    event.name = text_argument(fcinfo, 0);
    event.kind = text_argument(fcinfo, 1);
    if (!PG_ARGISNULL(2)) event.start_on = kpi::Date{PG_GETARG_DATEADT(2)};
    if (!PG_ARGISNULL(3)) event.end_on = kpi::Date{PG_GETARG_DATEADT(3)};
    event.scope = optional_text(fcinfo, 4).value_or("{}");
    event.effect = optional_text(fcinfo, 5);
    if (!PG_ARGISNULL(6)) event.start_at = kpi::Timestamp{PG_GETARG_TIMESTAMPTZ(6)};
    if (!PG_ARGISNULL(7)) event.end_at = kpi::Timestamp{PG_GETARG_TIMESTAMPTZ(7)};
    PG_RETURN_INT64(kpi::monitor::add_event(event));
}

KPI_FUNCTION(drop_event) {
    if (PG_ARGISNULL(0)) throw kpi::Error("22004", "argument \"id\" must not be null");
    const kpi::pg::Spi spi;
    kpi::monitor::forget_outlooks();
    PG_RETURN_BOOL(
        kpi::pg::execute("DELETE FROM kpi.event WHERE id = $1", {int64_t(PG_GETARG_INT64(0))}) > 0);
}

KPI_FUNCTION(load_holidays) {
    const kpi::pg::Spi spi;
    kpi::monitor::HolidayRequest request;
    request.country = text_argument(fcinfo, 0);
    request.from_year = optional_year(fcinfo, 1);
    request.to_year = optional_year(fcinfo, 2);
    request.scope = optional_text(fcinfo, 3).value_or("{}");
    request.effect = text_argument(fcinfo, 4);
    PG_RETURN_INT64(kpi::monitor::load_holidays(request));
}
