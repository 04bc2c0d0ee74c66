#include "engine/facts/facts.hpp"

#include "engine/capture/delta.hpp"
#include "engine/capture/transaction.hpp"
#include "engine/view/rights.hpp"
#include "engine/view/view.hpp"
#include "pg/owner_code.hpp"

namespace kpi::capture {
namespace {

// Of days since 2000-01-01 or of microseconds since then, each [from, to).
struct Ranges {
    Span span = Span::days;
    int count = 0;
    int64 *from = nullptr, *to = nullptr;  // PG_INT64_MIN and _MAX: open

    bool contain(const Contribution &row) const {
        const int64 place = span == Span::days ? row.bucket.day : row.at;
        for (int i = 0; i < count; ++i)
            if (place >= from[i] && place < to[i]) return true;
        return false;
    }
};

int64 bound(const RangeBound &bound, Span span) {
    if (bound.infinite) return bound.lower ? PG_INT64_MIN : PG_INT64_MAX;
    if (span == Span::instants) return DatumGetTimestampTz(bound.val);
    const DateADT day = DatumGetDateADT(bound.val);
    if (DATE_IS_NOBEGIN(day)) return PG_INT64_MIN;
    return DATE_IS_NOEND(day) ? PG_INT64_MAX : day;
}

Ranges read_ranges(Span span, Datum datum) {
    MultirangeType *multirange = DatumGetMultirangeTypeP(datum);
    TypeCacheEntry *type =
        lookup_type_cache(MultirangeTypeGetOid(multirange), TYPECACHE_MULTIRANGE_INFO);
    Ranges ranges;
    ranges.span = span;
    ranges.count = int(multirange->rangeCount);
    ranges.from = static_cast<int64 *>(palloc(sizeof(int64) * size_t(ranges.count + 1)));
    ranges.to = static_cast<int64 *>(palloc(sizeof(int64) * size_t(ranges.count + 1)));
    for (int i = 0; i < ranges.count; ++i) {
        RangeBound lower, upper;
        multirange_get_bounds(type->rngtype, multirange, uint32(i), &lower, &upper);
        ranges.from[i] = bound(lower, span);
        ranges.to[i] = bound(upper, span);
    }
    return ranges;
}

// Receives the base rows of the scan.
struct Receiver {
    DestReceiver api;
    Evaluator *evaluator;
    const Ranges *ranges;
    FactVisitor visit;
    void *self;
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
    } else if (row->present && receiver->ranges->contain(*row)) {
        receiver->visit(receiver->self, *row);
    }
    ResetExprContext(evaluator->econtext);
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

// One end of a range as SQL, in the column's type: an instant for timestamptz, otherwise wall-clock
// time of any zone, so with a day of slack; whole days have that slack anyway.
void append_end(StringInfo where, const char *column, const char *op, Oid type, int64 place,
                Span span, int slack) {
    const int64 day = span == Span::days ? place : 0;
    const int64 rest = span == Span::days ? 0 : place;
    const bool exact = span == Span::instants && type == TIMESTAMPTZOID;
    // Intervals of days would be added by the session's zone. All of it is immutable, so that a
    // scan without an index compares with a constant.
    appendStringInfo(where,
                     "%s %s ((timestamp '2000-01-01' + " INT64_FORMAT
                     " * interval '24 hours' + " INT64_FORMAT " * interval '1 microsecond')",
                     column, op, day + (exact ? 0 : slack), rest);
    if (type == TIMESTAMPTZOID) appendStringInfoString(where, " AT TIME ZONE 'UTC'");
    appendStringInfoString(where, type == DATEOID ? ")::pg_catalog.date" : ")");
}

// A predicate that lets an index or partitions on the time column serve finite ranges; the rows are
// looked at one by one all the same. Empty when the view's time is not a plain column.
char *time_predicate(Relation base, const Source *source, const Ranges &ranges) {
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
    const Oid type = getBaseType(exprType(time));
    // Days lie close together or are many: one range from the first to the last. Instants are a few
    // minutes of some days: one condition for each.
    const bool apart = ranges.span == Span::instants;
    StringInfoData where;
    initStringInfo(&where);
    for (int i = 0; i < (apart ? ranges.count : 1); ++i) {
        int64 from = ranges.from[i], to = ranges.to[i];
        for (int other = 1; !apart && other < ranges.count; ++other) {
            from = Min(from, ranges.from[other]);
            to = Max(to, ranges.to[other]);
        }
        appendStringInfoString(&where, i == 0 ? " WHERE (true" : " OR (true");
        if (from != PG_INT64_MIN) {
            appendStringInfoString(&where, " AND ");
            append_end(&where, column, ">=", type, from, ranges.span, -1);
        }
        if (to != PG_INT64_MAX) {
            appendStringInfoString(&where, " AND ");
            append_end(&where, column, "<", type, to, ranges.span, type == DATEOID ? 2 : 1);
        }
        appendStringInfoChar(&where, ')');
    }
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
    pg::run_to_end(query);
    ExecutorFinish(query);
    ExecutorEnd(query);
    FreeQueryDesc(query);
}

void set_local(const char *name, const char *value) {
    set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

// Open while its rows are looked at; the current memory context is its own meanwhile.
struct Scan {
    Relation base;
    MemoryContext context, outer;
    Evaluator *evaluator;
};

Scan open_scan(Source *source) {
    Scan scan{};
    scan.base = relation_open(source->base, AccessShareLock);
    scan.context = AllocSetContextCreate(CurrentMemoryContext, "kpi facts", ALLOCSET_DEFAULT_SIZES);
    scan.outer = MemoryContextSwitchTo(scan.context);
    scan.evaluator = prepare(source, scan_map(scan.base), scan.context);
    return scan;
}

void close_scan(const Scan &scan) {
    release(scan.evaluator);
    MemoryContextSwitchTo(scan.outer);
    MemoryContextDelete(scan.context);
    relation_close(scan.base, AccessShareLock);
}

void run(const Scan &scan, const Source *source, const Ranges &ranges, FactVisitor visit,
         void *self) {
    Receiver receiver{};
    receiver.api.receiveSlot = receive;
    receiver.api.rStartup = no_start;
    receiver.api.rShutdown = no_end;
    receiver.api.rDestroy = no_end;
    receiver.api.mydest = DestNone;
    receiver.evaluator = scan.evaluator;
    receiver.ranges = &ranges;
    receiver.visit = visit;
    receiver.self = self;
    const char *name = quote_qualified_identifier(
        get_namespace_name(RelationGetNamespace(scan.base)), RelationGetRelationName(scan.base));
    char *sql = psprintf("SELECT * FROM %s%s", name, time_predicate(scan.base, source, ranges));
    const pg::OwnerCode caller = pg::enter_owner_code(scan.evaluator->owner);
    // a policy that would hide rows is an error, not a smaller number
    set_local("row_security", "off");
    // sending whole rows to the leader costs more than the scan
    set_local("max_parallel_workers_per_gather", "0");
    run_scan(sql, &receiver);
    pg::leave_owner_code(caller);
}

// Sums of the facts on their way into a tuplestore.
struct Summing {
    Changes *changes;
    const DeltaShape *shape;
    Tuplestorestate *store;
    TupleDesc descriptor;
    uint32 since_check;
};

void sum_up(void *self, const Contribution &row) {
    auto *summing = static_cast<Summing *>(self);
    Changes *changes = summing->changes;
    apply(changes, row, 1);
    if (!changes->full && ++summing->since_check < 1024) return;
    summing->since_check = 0;
    if (!changes->full &&
        MemoryContextMemAllocated(changes->context, true) <= Size(work_mem) * 1024)
        return;
    emit(changes, *summing->shape, summing->store, summing->descriptor);
    clear(changes);
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
    const Source *source = readable_source(delta);
    for (Level *level = innermost_level(); level != nullptr; level = level->outer) {
        Changes *changes = find_changes(level, delta);
        if (changes == nullptr) continue;
        require_shape(descriptor, *source);
        const DeltaShape shape(descriptor, changes->measures);
        emit(changes, shape, store, descriptor);
    }
}

void each_fact(Source *source, Span span, Datum multirange, FactVisitor visit, void *self) {
    const Scan scan = open_scan(source);
    run(scan, source, read_ranges(span, multirange), visit, self);
    close_scan(scan);
}

void facts_rows(Source *source, Span span, Datum multirange, int32 dimensions,
                Tuplestorestate *store, TupleDesc descriptor) {
    const Ranges ranges = read_ranges(span, multirange);
    if (ranges.count == 0) return;
    const Scan scan = open_scan(source);
    scan.evaluator->left_out = ~uint32(dimensions);
    Level level = {};
    level.context = CurrentMemoryContext;
    Changes *changes = make_changes(&level, scan.evaluator);
    require_shape(descriptor, *source);
    const DeltaShape shape(descriptor, source->measures);
    Summing summing{changes, &shape, store, descriptor, 0};
    run(scan, source, ranges, sum_up, &summing);
    emit(changes, shape, store, descriptor);
    close_scan(scan);
}

}  // namespace kpi::capture
