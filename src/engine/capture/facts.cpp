#include "engine/capture/facts.hpp"

#include "engine/capture/delta.hpp"
#include "engine/capture/rights.hpp"
#include "engine/capture/transaction.hpp"
#include "engine/capture/view.hpp"
#include "pg/owner_code.hpp"

namespace kpi::capture {
namespace {

struct Days {
    int count = 0;
    DateADT *from = nullptr, *to = nullptr;  // [from, to), the infinities included

    bool contain(DateADT day) const {
        for (int i = 0; i < count; ++i)
            if (day >= from[i] && day < to[i]) return true;
        return false;
    }
};

DateADT bound(const RangeBound &bound) {
    if (bound.infinite) return bound.lower ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
    return DatumGetDateADT(bound.val);
}

Days read_days(Datum datum) {
    MultirangeType *multirange = DatumGetMultirangeTypeP(datum);
    TypeCacheEntry *type =
        lookup_type_cache(MultirangeTypeGetOid(multirange), TYPECACHE_MULTIRANGE_INFO);
    Days days;
    days.count = int(multirange->rangeCount);
    days.from = static_cast<DateADT *>(palloc(sizeof(DateADT) * size_t(days.count + 1)));
    days.to = static_cast<DateADT *>(palloc(sizeof(DateADT) * size_t(days.count + 1)));
    for (int i = 0; i < days.count; ++i) {
        RangeBound lower, upper;
        multirange_get_bounds(type->rngtype, multirange, uint32(i), &lower, &upper);
        days.from[i] = bound(lower);
        days.to[i] = bound(upper);
    }
    return days;
}

// Receives the base rows of the scan.
struct Receiver {
    DestReceiver api;
    Evaluator *evaluator;
    Changes *changes;
    const Days *days;
    DeltaShape *shape;
    Tuplestorestate *store;
    TupleDesc descriptor;
    uint32 since_check;
};

void emit(Changes *changes, const DeltaShape &shape, Tuplestorestate *store, TupleDesc descriptor) {
    MemoryContext scratch =
        AllocSetContextCreate(CurrentMemoryContext, "kpi facts rows", ALLOCSET_DEFAULT_SIZES);
    MemoryContext old = MemoryContextSwitchTo(scratch);
    auto *values =
        static_cast<Datum *>(MemoryContextAlloc(old, sizeof(Datum) * size_t(shape.columns())));
    auto *nulls =
        static_cast<bool *>(MemoryContextAlloc(old, sizeof(bool) * size_t(shape.columns())));
    each_entry(changes, [&](Entry *entry) {
        shape.fill(entry, values, nulls);
        tuplestore_putvalues(store, descriptor, values, nulls);
        MemoryContextReset(scratch);
    });
    MemoryContextSwitchTo(old);
    MemoryContextDelete(scratch);
    pfree(values);
    pfree(nulls);
}

bool receive(TupleTableSlot *slot, DestReceiver *self) {
    auto *receiver = reinterpret_cast<Receiver *>(self);
    Evaluator *evaluator = receiver->evaluator;
    Contribution *row = &evaluator->after;
    ErrorData *failure = evaluate_guarded(evaluator, slot, row);
    if (failure != nullptr) {
        // Not a data error: it would repeat or lie in the system, and silence would make the
        // numbers wrong.
        if (!is_data_error(failure)) ReThrowError(failure);
        FreeErrorData(failure);
    } else if (row->present && receiver->days->contain(row->bucket.day)) {
        apply(receiver->changes, *row, 1);
    }
    ResetExprContext(evaluator->econtext);
    if (receiver->changes->full || ++receiver->since_check >= 1024) {
        receiver->since_check = 0;
        const Size limit = Size(work_mem) * 1024;
        if (receiver->changes->full ||
            MemoryContextMemAllocated(receiver->changes->context, true) > limit) {
            emit(receiver->changes, *receiver->shape, receiver->store, receiver->descriptor);
            clear(receiver->changes);
        }
    }
    return true;
}

void no_start(DestReceiver *, int, TupleDesc) {}
void no_end(DestReceiver *) {}

// The base table's columns as the scan delivers them: attribute number -> position, dropped columns
// left out.
AttrMap *scan_map(Relation base) {
    TupleDesc desc = RelationGetDescr(base);
    AttrMap *map = make_attrmap(desc->natts);
    AttrNumber position = 0;
    for (int i = 0; i < desc->natts; ++i)
        if (!TupleDescAttr(desc, i)->attisdropped) map->attnums[i] = ++position;
    return map;
}

// A predicate that lets an index or partitions on the time column serve a finite range: a day of
// slack on both sides covers every zone. Empty when the view's time is not a plain column.
char *time_predicate(Relation base, const Source *source, const Days &days) {
    Relation view = relation_open(source->facts, AccessShareLock);
    ViewExpressions *expressions = read_view(view);
    auto *time =
        expressions == nullptr
            ? nullptr
            : reinterpret_cast<Node *>(column_expression(view, expressions, source->time_column));
    relation_close(view, AccessShareLock);
    if (time == nullptr || !IsA(time, Var)) return pstrdup("");
    const char *column =
        quote_identifier(get_attname(RelationGetRelid(base), castNode(Var, time)->varattno, false));
    DateADT first = days.from[0], last = days.to[0];
    for (int i = 1; i < days.count; ++i) {
        first = Min(first, days.from[i]);
        last = Max(last, days.to[i]);
    }
    const Oid type = getBaseType(exprType(time));
    StringInfoData where;
    initStringInfo(&where);
    auto add = [&](const char *op, DateADT day, int slack) {
        if (DATE_NOT_FINITE(day)) return;
        int year = 0, month = 0, dom = 0;
        j2date(day + slack + POSTGRES_EPOCH_JDATE, &year, &month, &dom);
        if (year < 1) return;  // before Christ: no predicate, the scan is still right
        appendStringInfo(&where, " %s %s %s '%04d-%02d-%02d%s'::pg_catalog.%s",
                         where.len == 0 ? "WHERE" : "AND", column, op, year, month, dom,
                         type == TIMESTAMPTZOID ? " 00:00 UTC" : "",
                         type == TIMESTAMPTZOID ? "timestamptz"
                         : type == DATEOID      ? "date"
                                                : "timestamp");
    };
    add(">=", first, -1);
    add("<", last, 1);
    return where.data;
}

void run_scan(const char *sql, Receiver *receiver) {
    List *parsed = pg_parse_query(sql);
    List *rewritten = pg_analyze_and_rewrite_fixedparams(linitial_node(RawStmt, parsed), sql,
                                                         nullptr, 0, nullptr);
    PlannedStmt *plan = pg_plan_query(linitial_node(Query, rewritten), sql, 0, nullptr);
    QueryDesc *query = CreateQueryDesc(plan, sql, GetActiveSnapshot(), InvalidSnapshot,
                                       &receiver->api, nullptr, nullptr, 0);
    ExecutorStart(query, 0);
    ExecutorRun(query, ForwardScanDirection, 0
#if PG_VERSION_NUM < 180000
                ,
                true
#endif
    );
    ExecutorFinish(query);
    ExecutorEnd(query);
    FreeQueryDesc(query);
}

void set_local(const char *name, const char *value) {
    set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

}  // namespace

Source *readable_source(Oid delta) {
    Source *source = find_source_of_delta(delta);
    if (source == nullptr)
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("no source has this delta table")));
    require_reader(source->facts);
    return source;
}

void pending_rows(Oid delta, Tuplestorestate *store, TupleDesc descriptor) {
    // A writer without rights on the facts view must not see what its expressions gave.
    readable_source(delta);
    for (Level *level = innermost_level(); level != nullptr; level = level->outer) {
        Changes *changes = find_changes(level, delta);
        if (changes == nullptr) continue;
        const DeltaShape shape(descriptor, changes->measures);
        emit(changes, shape, store, descriptor);
    }
}

void facts_rows(Source *source, Datum datum, Tuplestorestate *store, TupleDesc descriptor) {
    const Days days = read_days(datum);
    if (days.count == 0) return;
    Relation base = relation_open(source->base, AccessShareLock);
    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "kpi facts", ALLOCSET_DEFAULT_SIZES);
    MemoryContext old = MemoryContextSwitchTo(context);
    Evaluator *evaluator = prepare(source, scan_map(base), context);
    Level level = {};
    level.context = context;
    Changes *changes = make_changes(&level, evaluator);
    DeltaShape shape(descriptor, source->measures);
    Receiver receiver = {};
    receiver.api.receiveSlot = receive;
    receiver.api.rStartup = no_start;
    receiver.api.rShutdown = no_end;
    receiver.api.rDestroy = no_end;
    receiver.api.mydest = DestNone;
    receiver.evaluator = evaluator;
    receiver.changes = changes;
    receiver.days = &days;
    receiver.shape = &shape;
    receiver.store = store;
    receiver.descriptor = descriptor;

    const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(base)),
                                                  RelationGetRelationName(base));
    char *sql = psprintf("SELECT * FROM %s%s", name, time_predicate(base, source, days));
    const pg::OwnerCode caller = pg::enter_owner_code(evaluator->owner, pg::Writing::refused);
    // a policy that would hide rows is an error, not a smaller number
    set_local("row_security", "off");
    // sending whole rows to the leader costs more than the scan
    set_local("max_parallel_workers_per_gather", "0");
    run_scan(sql, &receiver);
    pg::leave_owner_code(caller);
    emit(changes, shape, store, descriptor);
    release(evaluator);
    MemoryContextSwitchTo(old);
    MemoryContextDelete(context);
    relation_close(base, AccessShareLock);
}

}  // namespace kpi::capture
