// The doors of capture: triggers and the functions that show facts in the shape of a delta table.
// The capture room works in PostgreSQL's regime (nothing there throws), so these doors need no
// enter().
#include "engine/capture/dirty.hpp"
#include "engine/capture/facts.hpp"
#include "engine/capture/trigger.hpp"

namespace {

// The tuplestore of a SETOF anyelement function whose element is the row type of a delta table;
// sets *delta.
Tuplestorestate *open_result(FunctionCallInfo fcinfo, Oid *delta, TupleDesc *descriptor) {
    auto *info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    if (info == nullptr || !IsA(info, ReturnSetInfo) ||
        (info->allowedModes & SFRM_Materialize) == 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set")));
    const Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
    *delta = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;
    if (!OidIsValid(*delta))
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("argument must have the row type of a delta table")));
    MemoryContext old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
    TupleDesc shared = lookup_rowtype_tupdesc(type, -1);
    *descriptor = CreateTupleDescCopy(shared);
    ReleaseTupleDesc(shared);
    Tuplestorestate *store =
        tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
    info->returnMode = SFRM_Materialize;
    info->setResult = store;
    info->setDesc = *descriptor;
    MemoryContextSwitchTo(old);
    return store;
}

}  // namespace

extern "C" {
PGDLLEXPORT Datum kpi_ext_capture(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_capture_truncate(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_pending(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_facts(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_dirty(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(kpi_ext_capture);
PG_FUNCTION_INFO_V1(kpi_ext_capture_truncate);
PG_FUNCTION_INFO_V1(kpi_ext_pending);
PG_FUNCTION_INFO_V1(kpi_ext_facts);
PG_FUNCTION_INFO_V1(kpi_ext_dirty);

Datum kpi_ext_capture(PG_FUNCTION_ARGS) { return kpi::capture::on_row(fcinfo); }
Datum kpi_ext_capture_truncate(PG_FUNCTION_ARGS) { return kpi::capture::on_truncate(fcinfo); }

Datum kpi_ext_pending(PG_FUNCTION_ARGS) {
    Oid delta = InvalidOid;
    TupleDesc descriptor = nullptr;
    Tuplestorestate *store = open_result(fcinfo, &delta, &descriptor);
    kpi::capture::pending_rows(delta, store, descriptor);
    return Datum(0);
}

Datum kpi_ext_facts(PG_FUNCTION_ARGS) {
    Oid delta = InvalidOid;
    TupleDesc descriptor = nullptr;
    Tuplestorestate *store = open_result(fcinfo, &delta, &descriptor);
    if (!PG_ARGISNULL(1)) kpi::capture::facts_rows(delta, PG_GETARG_DATUM(1), store, descriptor);
    return Datum(0);
}

Datum kpi_ext_dirty(PG_FUNCTION_ARGS) {
    return kpi::capture::dirty_days(text_to_cstring(PG_GETARG_TEXT_PP(0)));
}
}
