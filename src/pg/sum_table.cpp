#include "pg/sum_table.hpp"

#include "pg/guard.hpp"
#include "pg/memory_bound.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {
namespace {

constexpr uint32 kFirstRoom = 256;

uint32 cell_hash(uint32 group, int32 place) {
    return uint32(murmurhash32(group * 0x9E3779B9U ^ uint32(place)));
}

uint32 add_cell(SumTable *table, uint32 group, int32 place) {
    if (table->cell_count == table->cell_room) {
        const uint64 room = uint64(table->cell_room) * 2;
        if (room > UINT32_MAX / 2) elog(ERROR, "too many segments and buckets");
        table->cell_place = grown(table->cell_place, room);
        table->cell_group = grown(table->cell_group, room);
        table->cell_counts = grown(table->cell_counts, room * uint64(table->parts));
        table->cell_sums = grown(table->cell_sums, room * uint64(table->values));
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
    uint32 *slot = slot_in(table->cell_index, cell_hash(group, place), [&](uint32 cell) {
        return table->cell_group[cell] == group && table->cell_place[cell] == place;
    });
    if (*slot != 0) return *slot - 1;
    const uint32 cell = add_cell(table, group, place);
    *slot = cell + 1;
    note_entry(table->context, &table->cell_index,
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
    const uint32 group = group_of(&table->groups, slot->tts_values + 1, slot->tts_isnull + 1);
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
    if (MemoryContextMemAllocated(table->context, false) > table->limit) refuse_memory();
    return true;
}

void start(DestReceiver *self, int, TupleDesc row) {
    auto *table = reinterpret_cast<SumTable *>(self);
    // The executor's own context, in which this is called, ends with the statement; labels are made
    // after it.
    MemoryContext old = MemoryContextSwitchTo(table->context);
    table->row = CreateTupleDescCopy(row);
    for (int k = 0; k < table->groups.keys; ++k)
        set_key(&table->groups, k, *TupleDescAttr(row, k + 1));
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
        table->limit = read_memory();
        table->parts = int(part_column.size());
        table->values = int(values.size());
        table->groups = make_key_table(table->context, columns.keys);
        table->part_column = made<int>(table->context, part_column.size());
        table->part_values = made<int>(table->context, part_values.size());
        table->value_column = made<SumColumn>(table->context, values.size());
        std::copy(part_column.begin(), part_column.end(), table->part_column);
        std::copy(part_values.begin(), part_values.end(), table->part_values);
        std::copy(values.begin(), values.end(), table->value_column);
        table->cell_room = kFirstRoom;
        table->cell_place = made<int32>(table->context, table->cell_room);
        table->cell_group = made<uint32>(table->context, table->cell_room);
        table->cell_counts = made<int64>(table->context, table->cell_room * uint64(table->parts));
        table->cell_sums = made<SmallSum>(table->context, table->cell_room * uint64(table->values));
        table->cell_index = make_index(table->context);
        return table;
    });
}

}  // namespace kpi::pg
