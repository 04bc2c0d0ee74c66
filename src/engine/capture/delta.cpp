#include "engine/capture/delta.hpp"

namespace kpi::capture {
namespace {

// rows a heap_multi_insert: one WAL record per page instead of one per row
constexpr int kBatch = 128;

Datum count_or_null(int64 count, bool *null) {
    *null = count == 0;
    return Int64GetDatum(count);
}

void insert_rows(Relation relation, Changes *changes) {
    const DeltaShape shape(RelationGetDescr(relation), changes->measures);
    const CommandId command = GetCurrentCommandId(true);
    auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * size_t(shape.columns())));
    auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * size_t(shape.columns())));
    if (changes->count == 1) {
        each_entry(changes, [&](Entry *entry) {
            shape.fill(entry, values, nulls);
            heap_insert(relation, heap_form_tuple(RelationGetDescr(relation), values, nulls),
                        command, 0, nullptr);
        });
        return;
    }
    TupleTableSlot *slots[kBatch] = {};
    int filled = 0;
    BulkInsertState bulk = GetBulkInsertState();
    MemoryContext rows =
        AllocSetContextCreate(CurrentMemoryContext, "kpi delta rows", ALLOCSET_DEFAULT_SIZES);
    auto insert = [&] {
        if (filled == 0) return;
        heap_multi_insert(relation, slots, filled, command, 0, bulk);
        for (int i = 0; i < filled; ++i) ExecClearTuple(slots[i]);
        filled = 0;
        MemoryContextReset(rows);
    };
    each_entry(changes, [&](Entry *entry) {
        if (slots[filled] == nullptr)
            slots[filled] = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsHeapTuple);
        MemoryContext old = MemoryContextSwitchTo(rows);
        shape.fill(entry, values, nulls);
        HeapTuple tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);
        MemoryContextSwitchTo(old);
        ExecStoreHeapTuple(tuple, slots[filled++], false);
        if (filled == kBatch) insert();
    });
    insert();
    FreeBulkInsertState(bulk);
    for (TupleTableSlot *slot : slots)
        if (slot != nullptr) ExecDropSingleTupleTableSlot(slot);
}

}  // namespace

// The format is that of append_value in evaluator.cpp.
Datum read_value(const char **at, const FormData_pg_attribute &attribute, bool *null) {
    const char *p = *at;
    *null = *p++ != 0;
    Datum value = 0;
    if (!*null && attribute.attbyval) {
        memcpy(&value, p, sizeof(Datum));
        p += sizeof(Datum);
    } else if (!*null && attribute.attlen > 0) {
        char *copy = static_cast<char *>(palloc(size_t(attribute.attlen)));
        memcpy(copy, p, size_t(attribute.attlen));
        p += attribute.attlen;
        value = PointerGetDatum(copy);
    } else if (!*null) {
        int32 length = 0;
        memcpy(&length, p, sizeof(length));
        p += sizeof(length);
        auto *copy = static_cast<struct varlena *>(palloc(size_t(length) + VARHDRSZ));
        SET_VARSIZE(copy, length + VARHDRSZ);
        memcpy(VARDATA(copy), p, size_t(length));
        p += length;
        value = PointerGetDatum(copy);
    }
    *at = p;
    return value;
}

DeltaShape::DeltaShape(TupleDesc descriptor, int measures)
    : descriptor_(descriptor), measures_(measures) {}

bool DeltaShape::fits(TupleDesc descriptor, int dimensions, int counted, int measures) {
    int dimension = 0, value = 0, measure = 0;
    bool keys[3] = {};
    for (int c = 0; c < descriptor->natts; ++c) {
        const FormData_pg_attribute &attribute = *TupleDescAttr(descriptor, c);
        if (attribute.attisdropped) return false;
        const char *name = NameStr(attribute.attname);
        if (strcmp(name, "hour") == 0 && attribute.atttypid == TIMESTAMPTZOID) {
            keys[0] = true;
        } else if (strcmp(name, "day") == 0 && attribute.atttypid == DATEOID) {
            keys[1] = true;
        } else if (strcmp(name, "n") == 0 && attribute.atttypid == INT4OID) {
            keys[2] = true;
        } else if (name[0] == 'd') {
            // Keys are read in one go: dimensions first.
            if (strtol(name + 1, nullptr, 10) != ++dimension || value > 0) return false;
        } else if (name[0] == 'v') {
            if (strtol(name + 1, nullptr, 10) != ++value) return false;
        } else if (name[0] == 'm') {
            char *suffix = nullptr;
            const long number = strtol(name + 1, &suffix, 10);
            if (*suffix == '\0') {
                if (number != ++measure || attribute.atttypid != NUMERICOID) return false;
            } else if (number != measure || attribute.atttypid != INT8OID) {
                return false;
            }
        } else {
            return false;
        }
    }
    return keys[0] && keys[1] && keys[2] && dimension == dimensions && value == counted &&
           measure == measures;
}

void DeltaShape::fill(Entry *entry, Datum *values, bool *nulls) const {
    const char *at = entry->key(measures_);
    for (int c = 0; c < descriptor_->natts; ++c) {
        const FormData_pg_attribute &attribute = *TupleDescAttr(descriptor_, c);
        const char *name = NameStr(attribute.attname);
        nulls[c] = false;
        if (strcmp(name, "hour") == 0) {
            values[c] = TimestampTzGetDatum(entry->bucket.hour);
        } else if (strcmp(name, "day") == 0) {
            values[c] = DateADTGetDatum(entry->bucket.day);
        } else if (strcmp(name, "n") == 0) {
            values[c] = Int32GetDatum(entry->rows);
        } else if (name[0] == 'd' || name[0] == 'v') {
            values[c] = read_value(&at, attribute, &nulls[c]);  // d1.., v1.. come in order
        } else {
            char *suffix = nullptr;
            const long m = strtol(name + 1, &suffix, 10);
            const Sum &sum = entry->sums()[m - 1];
            if (*suffix == '\0')
                values[c] = to_numeric(sum, &nulls[c]);
            else if (strcmp(suffix, "_nan") == 0)
                values[c] = count_or_null(sum.nan, &nulls[c]);
            else if (strcmp(suffix, "_pinf") == 0)
                values[c] = count_or_null(sum.plus_infinity, &nulls[c]);
            else
                values[c] = count_or_null(sum.minus_infinity, &nulls[c]);
        }
    }
}

void require_shape(TupleDesc descriptor, const Source &source) {
    if (DeltaShape::fits(descriptor, source.dimensions, source.counted, source.measures)) return;
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("the registry of source \"%s\" and its tables do not fit together", source.name),
         errdetail("kpi.source, kpi.measure and kpi.counted name %d dimensions, %d measures and "
                   "%d counted measures.",
                   source.dimensions, source.measures, source.counted),
         errhint("Restore the rest of the dump, or call kpi.untrack and kpi.track again.")));
}

void write_changes(Changes *changes) {
    if (changes->count == 0) return;
    Relation relation = try_relation_open(changes->delta, RowExclusiveLock);
    if (relation != nullptr) {
        MemoryContext scratch =
            AllocSetContextCreate(CurrentMemoryContext, "kpi flush", ALLOCSET_SMALL_SIZES);
        MemoryContext old = MemoryContextSwitchTo(scratch);
        if (DeltaShape::fits(RelationGetDescr(relation), changes->dimensions, changes->counted,
                             changes->measures))
            insert_rows(relation, changes);
        else
            mark_all_dirty(changes->source, "its delta table was changed by hand");
        MemoryContextSwitchTo(old);
        MemoryContextDelete(scratch);
        relation_close(relation, NoLock);
    }
    clear(changes);
}

void write_failures(Level *level) {
    if (level->failures == nullptr) return;
    Relation relation = table_open(registry_table("capture_error"), RowExclusiveLock);
    TupleDesc desc = RelationGetDescr(relation);
    const TimestampTz now = GetCurrentTimestamp();
    for (Failure *failure = level->failures; failure != nullptr; failure = failure->next) {
        auto *values = static_cast<Datum *>(palloc0(sizeof(Datum) * size_t(desc->natts)));
        auto *nulls = static_cast<bool *>(palloc0(sizeof(bool) * size_t(desc->natts)));
        auto set = [&](const char *column, Datum value) {
            values[get_attnum(RelationGetRelid(relation), column) - 1] = value;
        };
        set("source", CStringGetTextDatum(failure->source));
        set("sqlstate", CStringGetTextDatum(unpack_sql_state(failure->sqlstate)));
        set("message", CStringGetTextDatum(failure->message));
        set("first_at", TimestampTzGetDatum(now));
        set("last_at", TimestampTzGetDatum(now));
        set("rows", Int64GetDatum(failure->rows));
        heap_insert(relation, heap_form_tuple(desc, values, nulls), GetCurrentCommandId(true), 0,
                    nullptr);
    }
    table_close(relation, NoLock);
    level->failures = nullptr;
    level->failure_count = 0;
}

}  // namespace kpi::capture
