#include "pg/sum_table.hpp"

#include "pg/guard.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {
namespace {

constexpr uint32 kFirstSlots = 1024;

template <class T>
T *grown(T *old, uint64 count) {
    return static_cast<T *>(repalloc_huge(old, sizeof(T) * count));
}

template <class T>
T *made(MemoryContext context, uint64 count) {
    return static_cast<T *>(MemoryContextAllocHuge(context, sizeof(T) * Max(count, uint64(1))));
}

SumIndex make_index(MemoryContext context, uint32 slots) {
    SumIndex index{made<uint32>(context, slots), slots - 1, 0};
    memset(index.slots, 0, sizeof(uint32) * slots);
    return index;
}

uint32 cell_hash(uint32 group, int32 place) {
    return uint32(murmurhash32(group * 0x9E3779B9U ^ uint32(place)));
}

// The index twice as large; `hash_of` an entry.
template <class F>
void widen(SumTable *table, SumIndex *index, F hash_of) {
    if (index->mask >= (1U << 31) - 1) elog(ERROR, "too many segments and buckets");
    SumIndex wider = make_index(table->context, (index->mask + 1) * 2);
    for (uint32 i = 0; i <= index->mask; ++i) {
        if (index->slots[i] == 0) continue;
        uint32 at = hash_of(index->slots[i] - 1) & wider.mask;
        while (wider.slots[at] != 0) at = (at + 1) & wider.mask;
        wider.slots[at] = index->slots[i];
    }
    wider.used = index->used;
    pfree(index->slots);
    *index = wider;
}

bool same_keys(SumTable *table, uint32 group, const TupleTableSlot *slot) {
    for (int k = 0; k < table->keys; ++k) {
        const size_t at = size_t(group) * size_t(table->keys) + size_t(k);
        const bool null = slot->tts_isnull[k + 1];
        if (null != table->group_nulls[at]) return false;
        SumKey &key = table->key[k];
        if (!null &&
            !DatumGetBool(FunctionCall2Coll(&key.equal, key.collation, table->group_keys[at],
                                            slot->tts_values[k + 1])))
            return false;
    }
    return true;
}

uint32 add_group(SumTable *table, const TupleTableSlot *slot, uint32 hash) {
    if (table->group_count == table->group_room) {
        const uint64 room = uint64(table->group_room) * 2;
        table->group_keys = grown(table->group_keys, Max(room * uint64(table->keys), uint64(1)));
        table->group_nulls = grown(table->group_nulls, Max(room * uint64(table->keys), uint64(1)));
        table->group_hash = grown(table->group_hash, room);
        table->group_room = uint32(room);
    }
    const uint32 group = table->group_count++;
    table->group_hash[group] = hash;
    MemoryContext old = MemoryContextSwitchTo(table->context);
    for (int k = 0; k < table->keys; ++k) {
        const size_t at = size_t(group) * size_t(table->keys) + size_t(k);
        const SumKey &key = table->key[k];
        table->group_nulls[at] = slot->tts_isnull[k + 1];
        if (table->group_nulls[at]) continue;
        table->group_keys[at] =
            key.length == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(slot->tts_values[k + 1]))
                             : datumCopy(slot->tts_values[k + 1], key.by_value, key.length);
    }
    MemoryContextSwitchTo(old);
    return group;
}

uint32 group_of(SumTable *table, const TupleTableSlot *slot) {
    uint32 hash = 0;
    for (int k = 0; k < table->keys; ++k) {
        SumKey &key = table->key[k];
        hash = pg_rotate_left32(hash, 1);
        if (!slot->tts_isnull[k + 1])
            hash ^= DatumGetUInt32(
                FunctionCall1Coll(&key.hash, key.collation, slot->tts_values[k + 1]));
    }
    hash = murmurhash32(hash);
    SumIndex &index = table->group_index;
    uint32 at = hash & index.mask;
    for (; index.slots[at] != 0; at = (at + 1) & index.mask) {
        const uint32 group = index.slots[at] - 1;
        if (table->group_hash[group] == hash && same_keys(table, group, slot)) return group;
    }
    const uint32 group = add_group(table, slot, hash);
    index.slots[at] = group + 1;
    if (++index.used > index.mask / 2)
        widen(table, &index, [table](uint32 i) { return table->group_hash[i]; });
    return group;
}

uint32 add_cell(SumTable *table, uint32 group, int32 place) {
    if (table->cell_count == table->cell_room) {
        const uint64 room = uint64(table->cell_room) * 2;
        if (room > UINT32_MAX / 2) elog(ERROR, "too many segments and buckets");
        table->cell_place = grown(table->cell_place, room);
        table->cell_group = grown(table->cell_group, room);
        table->cell_counts = grown(table->cell_counts, room * uint64(table->parts));
        table->cell_sums = grown(table->cell_sums, Max(room * uint64(table->values), uint64(1)));
        table->cell_room = uint32(room);
    }
    const uint32 cell = table->cell_count++;
    table->cell_place[cell] = place;
    table->cell_group[cell] = group;
    for (int p = 0; p < table->parts; ++p)
        table->cell_counts[size_t(cell) * size_t(table->parts) + size_t(p)] = 0;
    for (int v = 0; v < table->values; ++v)
        table->cell_sums[size_t(cell) * size_t(table->values) + size_t(v)] = SmallSum{};
    return cell;
}

uint32 cell_of(SumTable *table, uint32 group, int32 place) {
    SumIndex &index = table->cell_index;
    uint32 at = cell_hash(group, place) & index.mask;
    for (; index.slots[at] != 0; at = (at + 1) & index.mask) {
        const uint32 cell = index.slots[at] - 1;
        if (table->cell_group[cell] == group && table->cell_place[cell] == place) return cell;
    }
    const uint32 cell = add_cell(table, group, place);
    index.slots[at] = cell + 1;
    if (++index.used > index.mask / 2)
        widen(table, &index,
              [table](uint32 i) { return cell_hash(table->cell_group[i], table->cell_place[i]); });
    return cell;
}

Decimal read(Oid type, Datum value) {
    switch (type) {
        case INT8OID:
            return from_integer(DatumGetInt64(value));
        case INT4OID:
            return from_integer(DatumGetInt32(value));
        default:
            return from_numeric(value);
    }
}

void add_value(SumTable *table, const SumColumn &column, SmallSum &sum,
               const TupleTableSlot *slot) {
    const int c = column.number;
    if (!slot->tts_isnull[c]) {
        if (column.form == SumForm::kept)
            keep(sum, slot->tts_values[c], table->context);
        else
            add(sum, read(column.type, slot->tts_values[c]), table->context);
    }
    if (column.form != SumForm::counters) return;
    int64 counts[3];
    for (int i = 0; i < 3; ++i)
        counts[i] = slot->tts_isnull[c + 1 + i] ? 0 : DatumGetInt64(slot->tts_values[c + 1 + i]);
    if ((counts[0] | counts[1] | counts[2]) == 0) return;
    add_specials(sum, counts[0], counts[1], counts[2], table->context);
}

bool receive(TupleTableSlot *slot, DestReceiver *self) {
    auto *table = reinterpret_cast<SumTable *>(self);
    slot_getallattrs(slot);
    if (slot->tts_isnull[0]) return true;
    const uint32 group = group_of(table, slot);
    const uint32 cell = cell_of(table, group, DatumGetInt32(slot->tts_values[0]));
    int64 *counts = table->cell_counts + size_t(cell) * size_t(table->parts);
    SmallSum *sums = table->cell_sums + size_t(cell) * size_t(table->values);
    int v = 0;
    for (int p = 0; p < table->parts; ++p) {
        const int at = table->part_column[p];
        // A row is of one part: the columns of the others are NULL.
        if (slot->tts_isnull[at]) {
            v += table->part_values[p];
            continue;
        }
        counts[p] += DatumGetInt64(slot->tts_values[at]);
        for (const int end = v + table->part_values[p]; v < end; ++v)
            add_value(table, table->value_column[v], sums[v], slot);
    }
    return true;
}

void start(DestReceiver *self, int, TupleDesc row) {
    auto *table = reinterpret_cast<SumTable *>(self);
    // The executor's own context, in which this is called, ends with the statement; labels are made
    // after it.
    MemoryContext old = MemoryContextSwitchTo(table->context);
    table->row = CreateTupleDescCopy(row);
    for (int k = 0; k < table->keys; ++k) {
        const auto *attribute = TupleDescAttr(row, k + 1);
        TypeCacheEntry *type =
            lookup_type_cache(attribute->atttypid, TYPECACHE_HASH_PROC | TYPECACHE_EQ_OPR);
        SumKey &key = table->key[k];
        fmgr_info_cxt(type->hash_proc, &key.hash, table->context);
        fmgr_info_cxt(get_opcode(type->eq_opr), &key.equal, table->context);
        key.collation = attribute->attcollation;
        key.length = attribute->attlen;
        key.by_value = attribute->attbyval;
    }
    for (int v = 0; v < table->values; ++v) {
        SumColumn &column = table->value_column[v];
        column.type = TupleDescAttr(row, column.number)->atttypid;
    }
    MemoryContextSwitchTo(old);
}

void finish(DestReceiver *) {}

}  // namespace

SumTable *make_sum_table(const SumColumns &columns) {
    std::vector<SumColumn> values;
    std::vector<int> part_column, part_values;
    int next = 1 + columns.keys;
    for (const std::vector<SumForm> &part : columns.parts) {
        part_column.push_back(next++);
        part_values.push_back(int(part.size()));
        for (const SumForm form : part) {
            values.push_back({next, InvalidOid, form});
            next += form == SumForm::counters ? 4 : 1;
        }
    }
    return call([&] {
        auto *table = static_cast<SumTable *>(palloc0(sizeof(SumTable)));
        table->api = {receive, start, finish, finish, DestNone};
        table->context =
            AllocSetContextCreate(CurrentMemoryContext, "kpi sums", ALLOCSET_DEFAULT_SIZES);
        table->keys = columns.keys;
        table->parts = int(part_column.size());
        table->values = int(values.size());
        table->key = static_cast<SumKey *>(palloc0(sizeof(SumKey) * size_t(columns.keys + 1)));
        table->part_column = made<int>(table->context, part_column.size());
        table->part_values = made<int>(table->context, part_values.size());
        table->value_column = made<SumColumn>(table->context, values.size());
        std::copy(part_column.begin(), part_column.end(), table->part_column);
        std::copy(part_values.begin(), part_values.end(), table->part_values);
        std::copy(values.begin(), values.end(), table->value_column);
        table->group_room = table->cell_room = kFirstSlots / 4;
        table->group_keys = made<Datum>(table->context, table->group_room * uint64(columns.keys));
        table->group_nulls = made<bool>(table->context, table->group_room * uint64(columns.keys));
        table->group_hash = made<uint32>(table->context, table->group_room);
        table->cell_place = made<int32>(table->context, table->cell_room);
        table->cell_group = made<uint32>(table->context, table->cell_room);
        table->cell_counts = made<int64>(table->context, table->cell_room * uint64(table->parts));
        table->cell_sums = made<SmallSum>(table->context, table->cell_room * uint64(table->values));
        table->group_index = make_index(table->context, kFirstSlots);
        table->cell_index = make_index(table->context, kFirstSlots);
        return table;
    });
}

}  // namespace kpi::pg
