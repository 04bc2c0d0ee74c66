// SQL functions of histories: kpi.keep_history, kpi.drop_history, kpi.restatements.
#include "monitor/history/history.hpp"

#include <cmath>

#include "monitor/history/restatements.hpp"
#include "pg/function.hpp"
#include "pg/rows.hpp"

namespace {

kpi::monitor::HistoryKey key_of(FunctionCallInfo fcinfo, int by, int grain) {
    kpi::monitor::HistoryKey key;
    key.metric = kpi::pg::text_argument(fcinfo, 0);
    key.by = kpi::pg::text_array(fcinfo, by);
    key.grain = kpi::parse_grain(kpi::pg::text_argument(fcinfo, grain));
    return key;
}

kpi::pg::Value number(double value) {
    return std::isfinite(value) ? kpi::pg::Value(value) : kpi::pg::Value();
}

}  // namespace

KPI_FUNCTION(keep_history) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::monitor::HistoryKey key = key_of(fcinfo, 2, 3);
    if (PG_ARGISNULL(1)) throw kpi::Error("22004", "argument \"days\" must not be null");
    const kpi::pg::Spi spi;
    kpi::monitor::keep_history(caller, std::move(key), PG_GETARG_INT32(1));
    PG_RETURN_VOID();
}

KPI_FUNCTION(drop_history) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::monitor::HistoryKey key = key_of(fcinfo, 1, 2);
    const kpi::pg::Spi spi;
    return BoolGetDatum(kpi::monitor::drop_history(caller, std::move(key)));
}

KPI_FUNCTION(restatements) {
    using namespace kpi::monitor;
    const HistoryKey key = key_of(fcinfo, 2, 3);
    if (PG_ARGISNULL(1)) throw kpi::Error("22004", "argument \"start_at\" must not be null");
    if (PG_ARGISNULL(4)) throw kpi::Error("22004", "argument \"only_changed\" must not be null");
    const int64_t from = PG_GETARG_TIMESTAMPTZ(1);
    const Which which = PG_GETARG_BOOL(4) ? Which::changed : Which::all;
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    for (const Restatement &one : restatements(key, {from}, which)) {
        const double change = one.today - one.before;
        kpi::pg::append(result, {kpi::pg::Value(one.bucket), kpi::pg::jsonb_value(one.segment),
                                 kpi::pg::Value(one.seen_at), number(one.before), number(one.today),
                                 number(change), number(100 * change / std::fabs(one.before))});
    }
    return Datum(0);
}
