#include "engine/rewrite/cells.hpp"

namespace kpi::rewrite {
namespace {

constexpr uint32 kFirstRoom = 256;

using pg::grown;
using pg::made;

uint32 bucket_hash(TimestampTz hour, DateADT day) {
    return murmurhash32(uint32(hour / USECS_PER_MINUTE) ^ (uint32(day) << 16));
}

uint32 cell_hash(uint32 group, uint32 bucket) { return murmurhash32(group * 0x9E3779B9U ^ bucket); }

void widen(CellTable *table) {
    const uint64 room = uint64(table->room) * 2;
    if (room > UINT32_MAX / 2) elog(ERROR, "too many segments and buckets");
    table->group = grown(table->group, room);
    table->bucket = grown(table->bucket, room);
    table->n = grown(table->n, room);
    table->sums = grown(table->sums, room * uint64(table->shape.values));
    table->settled = grown(table->settled, room);
    if (table->shape.counters > 0) table->counts = grown(table->counts, room);
    table->room = uint32(room);
}

uint32 add_cell(CellTable *table, uint32 group, uint32 bucket) {
    if (table->count == table->room) widen(table);
    const uint32 cell = table->count++;
    table->group[cell] = group;
    table->bucket[cell] = bucket;
    table->n[cell] = 0;
    table->settled[cell] = false;
    SmallSum *sums = table->sums + size_t(cell) * size_t(table->shape.values);
    for (int v = 0; v < table->shape.values; ++v) sums[v] = SmallSum{};
    if (table->shape.counters > 0) table->counts[cell] = nullptr;
    return cell;
}

uint32 *slot_of(CellTable *table, uint32 group, uint32 bucket) {
    return pg::slot_in(table->index, cell_hash(group, bucket), [&](uint32 cell) {
        return table->group[cell] == group && table->bucket[cell] == bucket;
    });
}

}  // namespace

Buckets make_buckets(MemoryContext context) {
    Buckets buckets{};
    buckets.context = context;
    buckets.room = kFirstRoom;
    buckets.hour = made<TimestampTz>(context, kFirstRoom);
    buckets.day = made<DateADT>(context, kFirstRoom);
    buckets.index = pg::make_index(context);
    return buckets;
}

uint32 bucket_of(Buckets *buckets, TimestampTz hour, DateADT day) {
    const auto is = [&](uint32 bucket) {
        return buckets->hour[bucket] == hour && buckets->day[bucket] == day;
    };
    if (buckets->count > 0 && is(buckets->last)) return buckets->last;
    uint32 *slot = pg::slot_in(buckets->index, bucket_hash(hour, day), is);
    if (*slot != 0) return buckets->last = *slot - 1;
    if (buckets->count == buckets->room) {
        buckets->room *= 2;
        buckets->hour = grown(buckets->hour, buckets->room);
        buckets->day = grown(buckets->day, buckets->room);
    }
    const uint32 bucket = buckets->count++;
    buckets->hour[bucket] = hour;
    buckets->day[bucket] = day;
    *slot = bucket + 1;
    pg::note_entry(buckets->context, &buckets->index,
                   [buckets](uint32 i) { return bucket_hash(buckets->hour[i], buckets->day[i]); });
    return buckets->last = bucket;
}

CellTable make_cells(MemoryContext context, const SumShape &shape) {
    CellTable table{};
    table.context = context;
    table.shape = shape;
    table.room = kFirstRoom;
    table.group = made<uint32>(context, kFirstRoom);
    table.bucket = made<uint32>(context, kFirstRoom);
    table.n = made<int64>(context, kFirstRoom);
    table.sums = made<SmallSum>(context, kFirstRoom * uint64(shape.values));
    table.settled = made<bool>(context, kFirstRoom);
    if (shape.counters > 0) table.counts = made<int64 *>(context, kFirstRoom);
    table.index = pg::make_index(context);
    return table;
}

uint32 cell_of(CellTable *table, uint32 group, uint32 bucket) {
    uint32 *slot = slot_of(table, group, bucket);
    if (*slot != 0) return *slot - 1;
    const uint32 cell = add_cell(table, group, bucket);
    *slot = cell + 1;
    pg::note_entry(table->context, &table->index,
                   [table](uint32 i) { return cell_hash(table->group[i], table->bucket[i]); });
    return cell;
}

uint32 find_cell(CellTable *table, uint32 group, uint32 bucket) {
    const uint32 *slot = slot_of(table, group, bucket);
    return *slot == 0 ? kNoCell : *slot - 1;
}

int64 *counters_of(CellTable *table, uint32 cell) {
    int64 *&counts = table->counts[cell];
    if (counts == nullptr)
        counts = static_cast<int64 *>(
            MemoryContextAllocZero(table->context, sizeof(int64) * size_t(table->shape.counters)));
    return counts;
}

void add_up(CellTable *into, uint32 cell, const CellTable &from, uint32 other) {
    into->n[cell] += from.n[other];
    const int values = from.shape.values;
    for (int v = 0; v < values; ++v)
        pg::add(into->sums[size_t(cell) * size_t(values) + size_t(v)],
                from.sums[size_t(other) * size_t(values) + size_t(v)], into->context);
    if (from.shape.counters == 0 || from.counts[other] == nullptr) return;
    int64 *counts = counters_of(into, cell);
    for (int c = 0; c < from.shape.counters; ++c) counts[c] += from.counts[other][c];
}

bool is_void(const CellTable &table, uint32 cell) {
    if (table.n[cell] != 0) return false;
    const SmallSum *sums = table.sums + size_t(cell) * size_t(table.shape.values);
    for (int v = 0; v < table.shape.values; ++v)
        if (!pg::is_zero(sums[v])) return false;
    if (table.shape.counters == 0 || table.counts[cell] == nullptr) return true;
    const int64 *counts = table.counts[cell];
    return std::all_of(counts, counts + table.shape.counters, [](int64 c) { return c == 0; });
}

}  // namespace kpi::rewrite
