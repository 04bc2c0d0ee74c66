#include "engine/capture/evaluator.hpp"

#include "engine/capture/delta.hpp"
#include "engine/capture/kept_key.hpp"
#include "engine/view/view.hpp"
#include "pg/owner_code.hpp"

namespace kpi::capture {
namespace {

struct Builder {
    Evaluator *out;
    Relation view;
    ViewExpressions *expressions;
    const AttrMap *map;
    List *all = NIL;

    // Plans the expression and points its Vars at the slot.
    Expr *plan(Node *node) {
        if (map != nullptr) {
            bool whole_row = false;
            node =
                map_variable_attnos(node, int(expressions->varno), 0, map, InvalidOid, &whole_row);
        }
        Expr *planned = plan_expression(node);
        all = lappend(all, planned);
        return planned;
    }
    Expr *column(const char *name) {
        Expr *expression = column_expression(view, expressions, name);
        if (expression == nullptr)
            ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                            errmsg("column \"%s\" of facts view \"%s\" does not exist", name,
                                   RelationGetRelationName(view))));
        return plan(reinterpret_cast<Node *>(expression));
    }
};

void collect_used(Evaluator *out, List *all, Index varno) {
    Bitmapset *set = nullptr;
    pull_varattnos(reinterpret_cast<Node *>(all), varno, &set);
    out->used =
        static_cast<AttrNumber *>(palloc(sizeof(AttrNumber) * size_t(bms_num_members(set) + 1)));
    for (int x = -1; (x = bms_next_member(set, x)) >= 0;) {
        const auto number = AttrNumber(x + FirstLowInvalidHeapAttributeNumber);
        if (number > 0) out->used[out->used_count++] = number;
    }
}

// One role must own both (membership counts): otherwise the view could read what its owner may not,
// or the table's writers would run expressions of a stranger.
void check_owners(const Source *source, Oid view_owner) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(source->base));
    if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for relation %u", source->base);
    const Oid base_owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
    ReleaseSysCache(tuple);
    if (!has_privs_of_role(view_owner, base_owner))
        ereport(ERROR,
                (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                 errmsg("owner of the facts view is not an owner of the base table any more")));
    if (check_enable_rls(source->base, view_owner, true) == RLS_ENABLED)
        ereport(ERROR,
                (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                 errmsg("row security of the base table binds the owner of the facts view")));
}

// Every measure has a name, and the delta table the columns that the registry says.
void check_registry(const Source *source) {
    for (int i = 0; i < source->measures; ++i)
        if (source->measure_names[i] == nullptr)
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("measure %d of source \"%s\" is missing in kpi.measure", i + 1,
                            source->name),
                     errhint("Restore the rest of the dump, or call kpi.untrack and kpi.track "
                             "again.")));
    for (int i = 0; i < source->counted; ++i)
        if (source->counted_columns[i] == nullptr)
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("counted measure %d of source \"%s\" is missing in kpi.counted", i + 1,
                            source->name),
                     errhint("Restore the rest of the dump, or call kpi.untrack and kpi.track "
                             "again.")));
    Relation delta =
        OidIsValid(source->delta) ? try_relation_open(source->delta, AccessShareLock) : nullptr;
    if (delta == nullptr)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("the delta table of source \"%s\" is missing", source->name)));
    require_shape(RelationGetDescr(delta), *source);
    relation_close(delta, NoLock);
}

// A key's bytes are read back with the type of the column.
void check_key(const Source *source, int place, Oid type) {
    const bool dimension = place < source->dimensions;
    const char *column =
        dimension ? psprintf("d%d", place + 1) : psprintf("v%d", place - source->dimensions + 1);
    const Oid stored = get_atttype(source->delta, get_attnum(source->delta, column));
    if (stored != type)
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("%s \"%s\" of source \"%s\" is of type %s, its column %s of %s",
                               dimension ? "dimension" : "counted column", key_name(source, place),
                               source->name, format_type_be(type), column, format_type_be(stored)),
                        errhint("Call kpi.untrack and kpi.track again.")));
}

void append_bytes(Key *key, const void *bytes, int length) {
    if (key->length + length > key->room) {
        key->room = Max(key->room * 2, key->length + length + 64);
        key->bytes = static_cast<char *>(repalloc(key->bytes, size_t(key->room)));
    }
    memcpy(key->bytes + key->length, bytes, size_t(length));
    key->length += length;
}

// Key bytes of one value: a null flag, then the value (length first when it varies). Equal bytes
// are equal values; equal values may differ in bytes (1.0 and 1.00), which only splits a delta, and
// the merge groups by real equality.
void append_value(Key *key, const DimensionType &type, Datum value, bool null) {
    const char flag = null ? 1 : 0;
    append_bytes(key, &flag, 1);
    if (null) return;
    if (type.by_value) {
        append_bytes(key, &value, int(sizeof(Datum)));
        return;
    }
    if (type.length > 0) {
        append_bytes(key, DatumGetPointer(value), type.length);
        return;
    }
    auto *flat = PG_DETOAST_DATUM_PACKED(value);
    const int32 length = int32(VARSIZE_ANY_EXHDR(flat));
    append_bytes(key, &length, int(sizeof(length)));
    append_bytes(key, VARDATA_ANY(flat), length);
}

void append_nulls(Key *key, int count) {
    const char flag = 1;
    for (int i = 0; i < count; ++i) append_bytes(key, &flag, 1);
}

void start_key(Key *key) {
    key->room = 64;
    key->bytes = static_cast<char *>(palloc(size_t(key->room)));
}

// `clock`: the time as its type counts it, in microseconds: what rows are ordered by, also where a
// wall clock was set back.
bool event_time(Evaluator *evaluator, Datum value, Contribution *row, int64 *clock) {
    TimestampTz &at = row->at;
    switch (evaluator->time_type) {
        case TIMESTAMPTZOID:
            *clock = at = DatumGetTimestampTz(value);
            break;
        case TIMESTAMPOID:
            *clock = DatumGetTimestamp(value);
            if (!evaluator->calendar.instant(*clock, &at)) return false;
            break;
        default: {
            const DateADT date = DatumGetDateADT(value);
            if (DATE_NOT_FINITE(date)) return false;
            *clock = int64(date) * USECS_PER_DAY;
            if (!evaluator->calendar.instant(*clock, &at)) return false;
        }
    }
    return evaluator->calendar.bucket(at, &row->bucket);
}

Decimal measure(Oid type, Datum value) {
    switch (type) {
        case INT2OID:
            return pg::from_integer(DatumGetInt16(value));
        case INT4OID:
            return pg::from_integer(DatumGetInt32(value));
        case INT8OID:
            return pg::from_integer(DatumGetInt64(value));
        default:
            return pg::from_numeric(value);
    }
}

}  // namespace

Evaluator *prepare(Source *source, const AttrMap *map, MemoryContext parent) {
    MemoryContext context =
        AllocSetContextCreate(parent, "kpi facts expressions", ALLOCSET_SMALL_SIZES);
    MemoryContext old = MemoryContextSwitchTo(context);
    auto *out = static_cast<Evaluator *>(palloc0(sizeof(Evaluator)));
    out->context = context;
    Relation view = relation_open(source->facts, AccessShareLock);
    out->owner = view->rd_rel->relowner;
    check_owners(source, out->owner);

    // The planner runs functions of constants.
    const pg::OwnerCode caller = pg::enter_owner_code(out->owner);
    Builder builder{out, view, read_view(view), map};
    if (builder.expressions == nullptr)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("facts view \"%s\" is not a projection of one table any more",
                               RelationGetRelationName(view))));
    const int dimensions = source->dimensions;
    const int measures = source->measures;
    const int keys = dimensions + source->counted;
    check_registry(source);
    auto array = [](size_t size, int count) { return palloc0(size * size_t(count + 1)); };
    out->key_types = static_cast<DimensionType *>(array(sizeof(DimensionType), keys));
    out->keys = static_cast<ExprState **>(array(sizeof(ExprState *), keys));
    out->kept = static_cast<KeptKey *>(array(sizeof(KeptKey), source->counted));
    // Not a copy of the caller's struct: the cache owns everything it points to.
    out->source = source;
    out->measure_types = static_cast<Oid *>(array(sizeof(Oid), measures));
    out->measure_kinds = static_cast<MeasureKind *>(array(sizeof(MeasureKind), measures));
    out->measures = static_cast<ExprState **>(array(sizeof(ExprState *), measures));

    out->estate = CreateExecutorState();
    out->econtext = CreateExprContext(out->estate);
    if (builder.expressions->quals != nullptr) {
        Expr *qual = builder.plan(builder.expressions->quals);
        out->qual = ExecInitQual(make_ands_implicit(qual), nullptr);
    }
    Expr *time = builder.column(source->time_column);
    out->time_type = getBaseType(exprType(reinterpret_cast<Node *>(time)));
    out->time = ExecInitExpr(time, nullptr);
    for (int i = 0; i < keys; ++i) {
        Expr *expression = builder.column(key_name(source, i));
        char align = 0;
        const Oid type = kept_type(
            out->source, i, getBaseType(exprType(reinterpret_cast<Node *>(expression))), out->kept);
        check_key(source, i, type);
        get_typlenbyvalalign(type, &out->key_types[i].length, &out->key_types[i].by_value, &align);
        out->keys[i] = ExecInitExpr(expression, nullptr);
    }
    for (int i = 0; i < measures; ++i) {
        Expr *expression = builder.column(source->measure_names[i]);
        out->measure_types[i] = getBaseType(exprType(reinterpret_cast<Node *>(expression)));
        out->measure_kinds[i] =
            out->measure_types[i] == NUMERICOID ? MeasureKind::numeric : MeasureKind::integer;
        out->measures[i] = ExecInitExpr(expression, nullptr);
    }
    auto *all = reinterpret_cast<Node *>(builder.all);
    out->can_raise = can_raise(all);
    out->has_functions = calls_user_functions(all);
    collect_used(out, builder.all, builder.expressions->varno);
    pg::leave_owner_code(caller);
    relation_close(view, AccessShareLock);

    pg_tz *zone = pg_tzset(source->timezone);
    if (zone == nullptr) elog(ERROR, "time zone \"%s\" is not known", source->timezone);
    out->calendar = LocalHours(zone);
    for (Contribution *row : {&out->before, &out->after}) {
        start_key(&row->key);
        row->values = static_cast<Key *>(array(sizeof(Key), source->counted));
        for (int i = 0; i < source->counted; ++i) start_key(&row->values[i]);
        row->measures = static_cast<Decimal *>(palloc0(sizeof(Decimal) * size_t(measures + 1)));
    }
    MemoryContextSwitchTo(old);
    return out;
}

void release(Evaluator *evaluator) {
    FreeExecutorState(evaluator->estate);
    MemoryContextDelete(evaluator->context);
}

void evaluate(Evaluator *evaluator, TupleTableSlot *slot, Contribution *out) {
    ExprContext *econtext = evaluator->econtext;
    out->present = false;
    out->too_large = false;
    out->key.length = 0;
    const int dimensions = evaluator->source->dimensions;
    const int counted = evaluator->source->counted;
    for (int i = 0; i < counted; ++i) out->values[i].length = 0;
    econtext->ecxt_scantuple = slot;

    // Built-in immutable functions do nothing but compute: they need no owner and no level of
    // settings.
    pg::OwnerCode caller = {};
    if (evaluator->has_functions) caller = pg::enter_owner_code(evaluator->owner);
    MemoryContext old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);

    bool null = false;
    bool present = evaluator->qual == nullptr || ExecQual(evaluator->qual, econtext);
    if (present) {
        const Datum at = ExecEvalExpr(evaluator->time, econtext, &null);
        // Every expression is evaluated before the row counts: a row without a bucket and a row
        // with an error both contribute nothing, but the error is to be seen.
        int64 clock = 0;
        present = !null && event_time(evaluator, at, out, &clock);
        for (int i = 0; i < dimensions; ++i) {
            const Datum value = ExecEvalExpr(evaluator->keys[i], econtext, &null);
            const bool left_out = (evaluator->left_out >> i & 1) != 0;
            append_value(&out->key, evaluator->key_types[i], value, null || left_out);
        }
        for (int i = 0; i < counted; ++i) {
            const int place = dimensions + i;
            Datum value = ExecEvalExpr(evaluator->keys[place], econtext, &null);
            if (null || (evaluator->left_out >> place & 1) != 0) continue;
            value = kept_value(evaluator->kept[i], clock, value);
            append_bytes(&out->values[i], out->key.bytes, out->key.length);
            append_nulls(&out->values[i], i);
            append_value(&out->values[i], evaluator->key_types[place], value, false);
            append_nulls(&out->values[i], counted - i - 1);
        }
        append_nulls(&out->key, counted);
        for (int i = 0; i < evaluator->source->measures; ++i) {
            const Datum value = ExecEvalExpr(evaluator->measures[i], econtext, &null);
            out->measures[i] = null ? Decimal{} : measure(evaluator->measure_types[i], value);
            out->too_large |= out->measures[i].form == Decimal::Form::too_large;
        }
    }
    MemoryContextSwitchTo(old);
    if (evaluator->has_functions) pg::leave_owner_code(caller);
    out->present = present && !out->too_large;
}

namespace {

// A data error without a raise, because measures are decoded outside the guard too.
ErrorData *too_large() {
    auto *failure = static_cast<ErrorData *>(palloc0(sizeof(ErrorData)));
    failure->elevel = ERROR;
    failure->sqlerrcode = ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
    failure->message = pstrdup("measure is out of range: its magnitude is above 10^100000");
    return failure;
}

// Parallel mode allows no subtransaction. Built-in immutable functions hold nothing that only an
// abort would give back, so catching their error is enough; errors of user-defined functions end
// the query.
template <class F>
ErrorData *caught(F f) {
    MemoryContext const home = CurrentMemoryContext;
    ErrorData *volatile failure = nullptr;
    Oid user = InvalidOid;
    int security = 0;
    GetUserIdAndSecContext(&user, &security);
    PG_TRY();
    { f(); }
    PG_CATCH();
    {
        MemoryContextSwitchTo(home);
        failure = CopyErrorData();
        FlushErrorState();
        SetUserIdAndSecContext(user, security);
    }
    PG_END_TRY();
    return failure;
}

}  // namespace

ErrorData *evaluate_guarded(Evaluator *evaluator, TupleTableSlot *slot, Contribution *out) {
    if (!evaluator->can_raise) {
        evaluate(evaluator, slot, out);
        return out->too_large ? too_large() : nullptr;
    }
    auto body = [&] { evaluate(evaluator, slot, out); };
    ErrorData *failure = nullptr;
    if (!IsInParallelMode())
        failure = guarded(body);
    else if (!evaluator->has_functions)
        failure = caught(body);
    else
        body();
    if (failure == nullptr) return out->too_large ? too_large() : nullptr;
    out->present = false;
    if (must_rethrow(failure)) ReThrowError(failure);
    return failure;
}

bool same_inputs(const Evaluator *evaluator, TupleTableSlot *before, TupleTableSlot *after) {
    for (int i = 0; i < evaluator->used_count; ++i) {
        const AttrNumber number = evaluator->used[i];
        bool null_before = false, null_after = false;
        const Datum x = slot_getattr(before, number, &null_before);
        const Datum y = slot_getattr(after, number, &null_after);
        if (null_before != null_after) return false;
        if (null_before) continue;
        Form_pg_attribute attribute = TupleDescAttr(before->tts_tupleDescriptor, number - 1);
        if (!datumIsEqual(x, y, attribute->attbyval, attribute->attlen)) return false;
    }
    return true;
}

}  // namespace kpi::capture
