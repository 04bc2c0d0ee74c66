#include "engine/rewrite/spill.hpp"

namespace kpi::rewrite {
namespace {

TupleDesc describe(const RowShape &shape) {
    TupleDesc out = CreateTemplateTupleDesc(shape.width());
    TupleDescInitEntry(out, RowShape::kHour + 1, "hour", TIMESTAMPTZOID, -1, 0);
    TupleDescInitEntry(out, RowShape::kDay + 1, "day", DATEOID, -1, 0);
    TupleDescInitEntry(out, RowShape::kRows + 1, "n", INT8OID, -1, 0);
    for (int k = 0; k < shape.keys; ++k) {
        const auto number = AttrNumber(RowShape::kKeys + k + 1);
        const FormData_pg_attribute &key = shape.key[k];
        TupleDescInitEntry(out, number, NameStr(key.attname), key.atttypid, -1, 0);
        TupleDescInitEntryCollation(out, number, key.attcollation);
    }
    for (int s = 0; s < shape.columns; ++s)
        TupleDescInitEntry(out, AttrNumber(shape.first_sum() + s + 1), shape.sum_name[s],
                           shape.place[s] < 0 ? INT8OID : NUMERICOID, -1, 0);
    return out;
}

void fill(TupleTableSlot *slot, const Levels &levels, uint32 cell) {
    const RowShape &shape = *levels.shape;
    const CellTable &cells = levels.full.hours;
    ExecClearTuple(slot);
    Datum *values = slot->tts_values;
    bool *nulls = slot->tts_isnull;
    memset(nulls, 0, size_t(shape.width()));
    const uint32 bucket = cells.bucket[cell];
    values[RowShape::kHour] = TimestampTzGetDatum(levels.hours.hour[bucket]);
    values[RowShape::kDay] = DateADTGetDatum(levels.hours.day[bucket]);
    values[RowShape::kRows] = Int64GetDatum(cells.n[cell]);
    const size_t first = size_t(cells.group[cell]) * size_t(shape.keys);
    for (int k = 0; k < shape.keys; ++k) {
        values[RowShape::kKeys + k] = levels.full.segments.values[first + size_t(k)];
        nulls[RowShape::kKeys + k] = levels.full.segments.nulls[first + size_t(k)];
    }
    const int64 *counts = shape.sums.counters > 0 ? cells.counts[cell] : nullptr;
    for (int s = 0; s < shape.columns; ++s) {
        const int column = shape.first_sum() + s, from = shape.place[s];
        if (from < 0) {
            nulls[column] = counts == nullptr;
            if (counts != nullptr) values[column] = Int64GetDatum(counts[-1 - from]);
        } else {
            values[column] =
                pg::to_numeric(cells.sums[size_t(cell) * size_t(shape.sums.values) + size_t(from)],
                               &nulls[column]);
        }
    }
    ExecStoreVirtualTuple(slot);
}

}  // namespace

Spill *start_spill(const RowShape &shape, int kilobytes) {
    auto *spill = static_cast<Spill *>(palloc0(sizeof(Spill)));
    spill->descriptor = describe(shape);
    AttrNumber day = RowShape::kDay + 1;
    Oid less = lookup_type_cache(DATEOID, TYPECACHE_LT_OPR)->lt_opr;
    Oid collation = InvalidOid;
    bool nulls_first = false;
    spill->sort = tuplesort_begin_heap(spill->descriptor, 1, &day, &less, &collation, &nulls_first,
                                       kilobytes, nullptr, 0);
    return spill;
}

void spill_cells(Spill *spill, const Levels &levels) {
    MemoryContext rows =
        AllocSetContextCreate(CurrentMemoryContext, "kpi spilled rows", ALLOCSET_DEFAULT_SIZES);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(spill->descriptor, &TTSOpsVirtual);
    MemoryContext old = MemoryContextSwitchTo(rows);
    for (uint32 cell = 0; cell < levels.full.hours.count; ++cell) {
        CHECK_FOR_INTERRUPTS();
        fill(slot, levels, cell);
        tuplesort_puttupleslot(spill->sort, slot);
        MemoryContextReset(rows);
    }
    MemoryContextSwitchTo(old);
    ExecDropSingleTupleTableSlot(slot);
    MemoryContextDelete(rows);
}

void sort_spill(Spill *spill) {
    tuplesort_performsort(spill->sort);
    spill->slot = MakeSingleTupleTableSlot(spill->descriptor, &TTSOpsMinimalTuple);
}

const TupleTableSlot *peek_row(Spill *spill) {
    if (!spill->has_row)
        spill->has_row = tuplesort_gettupleslot(spill->sort, true, false, spill->slot, nullptr);
    if (!spill->has_row) return nullptr;
    slot_getallattrs(spill->slot);
    return spill->slot;
}

void end_spill(Spill *spill) {
    ExecDropSingleTupleTableSlot(spill->slot);
    tuplesort_end(spill->sort);
    pfree(spill);
}

}  // namespace kpi::rewrite
