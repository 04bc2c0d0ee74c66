// SQL functions of the rollups: kpi._sum, kpi.merge, kpi.rebuild, kpi.verify, kpi.freeze.
#include "engine/source/verify.hpp"
#include "pg/decimal.hpp"
#include "pg/function.hpp"
#include "pg/guard.hpp"

namespace {

// A counter that is not there counts 0. Transient negative counts (a delta merged before its
// insert) are 0 too.
bool any(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return false;
    return kpi::pg::call([&] {
        Numeric zero = int64_to_numeric(0);
        return DatumGetInt32(DirectFunctionCall2(numeric_cmp, PG_GETARG_DATUM(index),
                                                 NumericGetDatum(zero))) > 0;
    });
}

std::optional<kpi::Timestamp> instant(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return kpi::Timestamp{PG_GETARG_TIMESTAMPTZ(index)};
}

kpi::engine::Period period(FunctionCallInfo fcinfo) {
    return {instant(fcinfo, 1), instant(fcinfo, 2)};
}

}  // namespace

// The sum that PostgreSQL would give for the finite part and the counted NaN and infinities.
KPI_FUNCTION(sum) {
    const kpi::pg::Sum counted = {0, 0, any(fcinfo, 1), any(fcinfo, 2), any(fcinfo, 3), 0};
    if (const char *name = kpi::pg::special_value(counted))
        return kpi::pg::call([name] { return kpi::pg::special_numeric(name); });
    if (!PG_ARGISNULL(0)) return PG_GETARG_DATUM(0);
    return kpi::pg::call([] { return NumericGetDatum(int64_to_numeric(0)); });
}

KPI_FUNCTION(merge) {
    const kpi::pg::Spi spi;
    return Int64GetDatum(kpi::engine::merge_by_hand(kpi::pg::optional_text(fcinfo, 0)));
}

KPI_FUNCTION(rebuild) {
    const kpi::pg::Spi spi;
    kpi::engine::rebuild(kpi::pg::text_argument(fcinfo, 0), period(fcinfo));
    return 0;
}

KPI_FUNCTION(verify) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    kpi::engine::verify(kpi::pg::text_argument(fcinfo, 0), period(fcinfo), result);
    return 0;
}

KPI_FUNCTION(freeze) {
    const kpi::pg::Spi spi;
    const auto before = instant(fcinfo, 1);
    if (!before) throw kpi::Error("22004", "argument \"before\" must not be null");
    kpi::engine::freeze(kpi::pg::text_argument(fcinfo, 0), *before);
    return 0;
}
