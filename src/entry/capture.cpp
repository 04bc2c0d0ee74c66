// The doors of capture: triggers and the functions that show facts in the shape of a delta table.
// The capture room works in PostgreSQL's regime (nothing there throws), so its doors need no
// enter(); facts of window capture come from the rollup room, which needs one.
#include "engine/capture/dirty.hpp"
#include "engine/capture/trigger.hpp"
#include "engine/facts/facts.hpp"
#include "engine/rollup/settings.hpp"
#include "engine/rollup/window_capture.hpp"
#include "pg/function.hpp"

namespace {

// The delta table whose row type is the element of a SETOF anyelement function.
Oid delta_of(FunctionCallInfo fcinfo) {
    const Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
    const Oid delta = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;
    if (!OidIsValid(delta))
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("argument must have the row type of a delta table")));
    return delta;
}

Tuplestorestate *open_result(FunctionCallInfo fcinfo, TupleDesc *descriptor) {
    auto *info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    if (info == nullptr || !IsA(info, ReturnSetInfo) ||
        (info->allowedModes & SFRM_Materialize) == 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set")));
    MemoryContext old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
    TupleDesc shared = lookup_rowtype_tupdesc(get_fn_expr_argtype(fcinfo->flinfo, 0), -1);
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

Datum window_facts(FunctionCallInfo fcinfo, const char *source) {
    return kpi::pg::enter([fcinfo, source] {
        kpi::pg::ResultSet result(fcinfo);
        const kpi::pg::LocalSettings settings = kpi::engine::plain_settings();
        const kpi::pg::Spi spi;
        if (const auto days = kpi::pg::output_text(fcinfo, 1))
            kpi::engine::window_facts(source, *days, result);
        return Datum(0);
    });
}

Datum table_facts(FunctionCallInfo fcinfo, kpi::capture::Source *source, kpi::capture::Span span) {
    TupleDesc descriptor = nullptr;
    Tuplestorestate *store = open_result(fcinfo, &descriptor);
    const int32 dimensions = PG_ARGISNULL(2) ? -1 : PG_GETARG_INT32(2);
    if (!PG_ARGISNULL(1))
        kpi::capture::facts_rows(source, span, PG_GETARG_DATUM(1), dimensions, store, descriptor);
    return Datum(0);
}

}  // namespace

extern "C" {
PGDLLEXPORT Datum kpi_ext_capture(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_capture_truncate(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_pending(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_facts(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_facts_between(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_dirty(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(kpi_ext_capture);
PG_FUNCTION_INFO_V1(kpi_ext_capture_truncate);
PG_FUNCTION_INFO_V1(kpi_ext_pending);
PG_FUNCTION_INFO_V1(kpi_ext_facts);
PG_FUNCTION_INFO_V1(kpi_ext_facts_between);
PG_FUNCTION_INFO_V1(kpi_ext_dirty);

Datum kpi_ext_capture(PG_FUNCTION_ARGS) { return kpi::capture::on_row(fcinfo); }
Datum kpi_ext_capture_truncate(PG_FUNCTION_ARGS) { return kpi::capture::on_truncate(fcinfo); }

Datum kpi_ext_pending(PG_FUNCTION_ARGS) {
    const Oid delta = delta_of(fcinfo);
    TupleDesc descriptor = nullptr;
    Tuplestorestate *store = open_result(fcinfo, &descriptor);
    kpi::capture::pending_rows(delta, store, descriptor);
    return Datum(0);
}

Datum kpi_ext_facts(PG_FUNCTION_ARGS) {
    kpi::capture::Source *source = kpi::capture::readable_source(delta_of(fcinfo));
    if (!OidIsValid(source->base)) return window_facts(fcinfo, source->name);
    return table_facts(fcinfo, source, kpi::capture::Span::days);
}

Datum kpi_ext_facts_between(PG_FUNCTION_ARGS) {
    kpi::capture::Source *source = kpi::capture::readable_source(delta_of(fcinfo));
    if (!OidIsValid(source->base))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("window capture knows whole hours only")));
    return table_facts(fcinfo, source, kpi::capture::Span::instants);
}

Datum kpi_ext_dirty(PG_FUNCTION_ARGS) {
    return kpi::capture::dirty_days(text_to_cstring(PG_GETARG_TEXT_PP(0)));
}
}
