#include "engine/rewrite/rollup_table.hpp"

namespace kpi::rewrite {
namespace {

constexpr int kBatch = 128;  // rows a heap_multi_insert

// From 0; -1: the table has no such column.
int column_of(TupleDesc descriptor, const char *name) {
    for (int c = 0; c < descriptor->natts; ++c)
        if (!TupleDescAttr(descriptor, c)->attisdropped &&
            strcmp(NameStr(TupleDescAttr(descriptor, c)->attname), name) == 0)
            return c;
    return -1;
}

bool is_plain(const RollupTable &table, const RowShape &shape) {
    const ResultRelInfo *result = table.result;
    if (result->ri_NumIndices != 1) return false;
    const IndexInfo *index = result->ri_IndexRelationInfo[0];
    const bool hourly = table.grain == Grain::hour;
    const int expected[] = {table.level + 1, table.day + 1, table.hour + 1};
    const int plain = hourly ? 3 : 2;
    if (index->ii_NumIndexAttrs != plain + (shape.keys > 0 ? 1 : 0)) return false;
    for (int i = 0; i < plain; ++i)
        if (index->ii_IndexAttrNumbers[i] != expected[i]) return false;
    return !index->ii_Unique && index->ii_Predicate == NIL && index->ii_ExclusionOps == nullptr &&
           list_length(index->ii_Expressions) == (shape.keys > 0 ? 1 : 0);
}

void require_columns(const RollupTable &table, const RowShape &shape) {
    bool all = table.level >= 0 && table.day >= 0 && table.n >= 0 &&
               (table.hour >= 0) == (table.grain == Grain::hour);
    for (int k = 0; k < shape.keys; ++k) all = all && table.key[k] >= 0;
    for (int s = 0; s < shape.columns; ++s) all = all && table.sum[s] >= 0;
    const int ours = (table.grain == Grain::hour ? 4 : 3) + shape.keys + shape.columns;
    if (all && RelationGetDescr(table.relation)->natts == ours) return;
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("table \"%s\" has not the columns of its source",
                    RelationGetRelationName(table.relation)),
             errhint("Restore the rest of the dump, or call kpi.untrack and kpi.track again.")));
}

void put_index_entry(RollupTable *table, TupleTableSlot *slot, int row) {
    Relation index = table->result->ri_IndexRelationDescs[0];
    IndexInfo *info = table->result->ri_IndexRelationInfo[0];
    Datum values[INDEX_MAX_KEYS];
    bool nulls[INDEX_MAX_KEYS] = {};
    const int last = info->ii_NumIndexAttrs - 1;
    for (int i = 0; i <= last; ++i)
        values[i] = info->ii_IndexAttrNumbers[i] == 0
                        ? table->hashes[row]
                        : slot_getattr(slot, info->ii_IndexAttrNumbers[i], &nulls[i]);
    index_insert(index, values, nulls, &slot->tts_tid, table->relation, UNIQUE_CHECK_NO, false,
                 info);
}

Datum count_or_null(int64 count, bool *null) {
    *null = count == 0;
    return Int64GetDatum(count);
}

}  // namespace

RollupTable open_rollup(Oid relation, Grain grain, const RowShape &shape) {
    RollupTable out{};
    out.relation = table_open(relation, RowExclusiveLock);
    out.grain = grain;
    TupleDesc descriptor = RelationGetDescr(out.relation);
    out.level = column_of(descriptor, "level");
    out.day = column_of(descriptor, "day");
    out.hour = column_of(descriptor, "hour");
    out.n = column_of(descriptor, "n");
    out.key = static_cast<int *>(palloc0(sizeof(int) * size_t(shape.keys + 1)));
    out.sum = static_cast<int *>(palloc0(sizeof(int) * size_t(shape.columns + 1)));
    out.values = static_cast<Datum *>(palloc0(sizeof(Datum) * size_t(descriptor->natts)));
    out.nulls = static_cast<bool *>(palloc0(size_t(descriptor->natts)));
    for (int k = 0; k < shape.keys; ++k)
        out.key[k] = column_of(descriptor, NameStr(shape.key[k].attname));
    for (int s = 0; s < shape.columns; ++s) out.sum[s] = column_of(descriptor, shape.sum_name[s]);
    require_columns(out, shape);
    out.estate = CreateExecutorState();
    out.result = makeNode(ResultRelInfo);
    InitResultRelInfo(out.result, out.relation, 1, nullptr, 0);
    ExecOpenIndices(out.result, false);
    out.plain_index = is_plain(out, shape);
    out.bulk = GetBulkInsertState();
    out.rows =
        AllocSetContextCreate(CurrentMemoryContext, "kpi rollup rows", ALLOCSET_DEFAULT_SIZES);
    out.slots = static_cast<TupleTableSlot **>(palloc0(sizeof(TupleTableSlot *) * kBatch));
    for (int i = 0; i < kBatch; ++i)
        out.slots[i] = MakeSingleTupleTableSlot(descriptor, &TTSOpsHeapTuple);
    out.hashes = static_cast<Datum *>(palloc(sizeof(Datum) * kBatch));
    return out;
}

void close_rollup(RollupTable *table) {
    for (int i = 0; i < kBatch; ++i) ExecDropSingleTupleTableSlot(table->slots[i]);
    FreeBulkInsertState(table->bulk);
    ExecCloseIndices(table->result);
    FreeExecutorState(table->estate);
    MemoryContextDelete(table->rows);
    table_close(table->relation, NoLock);
}

Datum segment_hash(RollupTable *table, const Datum *keys, const bool *nulls,
                   const RowShape &shape) {
    if (!table->plain_index || shape.keys == 0) return 0;
    TupleDesc descriptor = RelationGetDescr(table->relation);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(descriptor, &TTSOpsVirtual);
    ExecClearTuple(slot);
    memset(slot->tts_isnull, true, size_t(descriptor->natts));
    for (int k = 0; k < shape.keys; ++k) {
        slot->tts_values[table->key[k]] = keys[k];
        slot->tts_isnull[table->key[k]] = nulls[k];
    }
    ExecStoreVirtualTuple(slot);
    IndexInfo *info = table->result->ri_IndexRelationInfo[0];
    GetPerTupleExprContext(table->estate)->ecxt_scantuple = slot;
    Datum values[INDEX_MAX_KEYS];
    bool are_null[INDEX_MAX_KEYS];
    FormIndexDatum(info, slot, table->estate, values, are_null);
    ResetPerTupleExprContext(table->estate);
    ExecDropSingleTupleTableSlot(slot);
    return values[info->ii_NumIndexAttrs - 1];
}

void put_row(RollupTable *table, const Place &place, const pg::KeyTable &segments,
             const CellTable &cells, uint32 cell, const RowShape &shape) {
    TupleDesc descriptor = RelationGetDescr(table->relation);
    Datum *values = table->values;
    bool *nulls = table->nulls;
    MemoryContext old = MemoryContextSwitchTo(table->rows);
    values[table->level] = Int16GetDatum(place.level);
    values[table->day] = DateADTGetDatum(place.day);
    if (table->hour >= 0) values[table->hour] = TimestampTzGetDatum(place.hour);
    values[table->n] = Int64GetDatum(cells.n[cell]);
    for (int k = 0; k < shape.keys; ++k) {
        const size_t at = size_t(cells.group[cell]) * size_t(shape.keys) + size_t(k);
        values[table->key[k]] = segments.values[at];
        nulls[table->key[k]] = segments.nulls[at];
    }
    const int64 *counts = shape.sums.counters > 0 ? cells.counts[cell] : nullptr;
    for (int s = 0; s < shape.columns; ++s) {
        const int column = table->sum[s], from = shape.place[s];
        if (from < 0) {
            values[column] =
                count_or_null(counts == nullptr ? 0 : counts[-1 - from], &nulls[column]);
            continue;
        }
        // NULL counts 0: where nothing is left of a sum, no decimals of it are kept either.
        const SmallSum &sum = cells.sums[size_t(cell) * size_t(shape.sums.values) + size_t(from)];
        nulls[column] = pg::is_zero(sum);
        if (!nulls[column]) values[column] = pg::to_numeric(sum, &nulls[column]);
    }
    HeapTuple tuple = heap_form_tuple(descriptor, values, nulls);
    MemoryContextSwitchTo(old);
    table->hashes[table->filled] = place.hash;
    ExecStoreHeapTuple(tuple, table->slots[table->filled++], false);
    if (table->filled == kBatch) flush_rows(table);
}

void flush_rows(RollupTable *table) {
    if (table->filled == 0) return;
    CHECK_FOR_INTERRUPTS();
    MemoryContext old = MemoryContextSwitchTo(table->rows);
    heap_multi_insert(table->relation, table->slots, table->filled, GetCurrentCommandId(true), 0,
                      table->bulk);
    for (int i = 0; i < table->filled; ++i) {
        TupleTableSlot *slot = table->slots[i];
        if (table->plain_index)
            put_index_entry(table, slot, i);
        else
            pg::insert_index_entries(table->result, slot, table->estate);
        ExecClearTuple(slot);
    }
    MemoryContextSwitchTo(old);
    MemoryContextReset(table->rows);
    ResetPerTupleExprContext(table->estate);
    table->written += table->filled;
    table->filled = 0;
}

void delete_row(RollupTable *table, ItemPointer row) {
    CHECK_FOR_INTERRUPTS();
    TM_FailureData failure;
    const TM_Result result =
        table_tuple_delete(table->relation, row, GetCurrentCommandId(true), GetActiveSnapshot(),
                           InvalidSnapshot, true, &failure, false);
    if (result == TM_Ok || result == TM_Deleted || result == TM_SelfModified) return;
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("a row of \"%s\" was changed by hand meanwhile",
                           RelationGetRelationName(table->relation)),
                    errhint("Try again when nobody writes to the tables of kpi_data.")));
}

}  // namespace kpi::rewrite
