// kpi._total: the sum of numerics as pg::SmallSum, which costs a group of a merge or a rebuild 16
// bytes and an addition. Runs inside the executor for every row of every level, so it is no
// KPI_FUNCTION: palloc'd, nothing throws.
#include "pg/small_sum.hpp"

#include "pg/prelude.hpp"

using kpi::pg::SmallSum;

extern "C" {

PGDLLEXPORT Datum kpi_ext_total_add(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_total(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(kpi_ext_total_add);
PG_FUNCTION_INFO_V1(kpi_ext_total);

Datum kpi_ext_total_add(PG_FUNCTION_ARGS) {
    MemoryContext home = nullptr;
    if (AggCheckCallContext(fcinfo, &home) == 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("kpi._total_add can only be called as an aggregate")));
    auto *state = PG_ARGISNULL(0) ? nullptr : reinterpret_cast<SmallSum *>(PG_GETARG_POINTER(0));
    if (PG_ARGISNULL(1)) {
        if (state == nullptr) PG_RETURN_NULL();
        PG_RETURN_POINTER(state);
    }
    if (state == nullptr) {
        state = static_cast<SmallSum *>(MemoryContextAlloc(home, sizeof(SmallSum)));
        *state = {};
    }
    kpi::pg::add(*state, kpi::pg::from_numeric(PG_GETARG_DATUM(1)), home);
    PG_RETURN_POINTER(state);
}

Datum kpi_ext_total(PG_FUNCTION_ARGS) {
    bool null = false;
    const Datum total =
        kpi::pg::to_numeric(*reinterpret_cast<SmallSum *>(PG_GETARG_POINTER(0)), &null);
    if (null) PG_RETURN_NULL();
    return total;
}
}
