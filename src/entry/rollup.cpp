// SQL functions of the rollups: kpi._sum, kpi.merge, kpi.rebuild, kpi.verify, kpi.freeze.
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

Datum special(const char *text) {
    return kpi::pg::call([&] {
        return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
                                   Int32GetDatum(-1));
    });
}

}  // namespace

// The sum that PostgreSQL would give for the finite part and the counted NaN and infinities.
KPI_FUNCTION(sum) {
    const bool nan = any(fcinfo, 1);
    const bool positive = any(fcinfo, 2);
    const bool negative = any(fcinfo, 3);
    if (nan || (positive && negative)) return special("NaN");
    if (positive) return special("Infinity");
    if (negative) return special("-Infinity");
    if (!PG_ARGISNULL(0)) return PG_GETARG_DATUM(0);
    return kpi::pg::call([] { return NumericGetDatum(int64_to_numeric(0)); });
}
