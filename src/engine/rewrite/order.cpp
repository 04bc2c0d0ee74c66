#include "engine/rewrite/order.hpp"

#include "core/measure.hpp"

namespace kpi::rewrite {
namespace {

template <class T>
T *array(uint64 count) {
    return pg::made<T>(CurrentMemoryContext, count);
}

int compare_hashes(const void *a, const void *b, void *arg) {
    const auto *hash = static_cast<const int64 *>(arg);
    const int64 left = hash[*static_cast<const uint32 *>(a)];
    const int64 right = hash[*static_cast<const uint32 *>(b)];
    return left < right ? -1 : left > right ? 1 : 0;
}

int compare_buckets(const void *a, const void *b, void *arg) {
    const auto *buckets = static_cast<const Buckets *>(arg);
    const uint32 left = *static_cast<const uint32 *>(a), right = *static_cast<const uint32 *>(b);
    if (buckets->day[left] != buckets->day[right])
        return buckets->day[left] < buckets->day[right] ? -1 : 1;
    if (buckets->hour[left] == buckets->hour[right]) return 0;
    return buckets->hour[left] < buckets->hour[right] ? -1 : 1;
}

// By number: its place in the order.
uint32 *ranks(uint32 count, int (*compare)(const void *, const void *, void *), void *arg) {
    auto *order = array<uint32>(count);
    auto *rank = array<uint32>(count);
    for (uint32 i = 0; i < count; ++i) order[i] = i;
    qsort_arg(order, count, sizeof(uint32), compare, arg);
    for (uint32 i = 0; i < count; ++i) rank[order[i]] = i;
    pfree(order);
    return rank;
}

// `cells` dealt out by the rank of what they belong to, without changing the order among equals.
uint32 *dealt(const uint32 *cells, uint32 count, const uint32 *belongs, const uint32 *rank,
              uint32 most) {
    auto *next = array<uint32>(uint64(most) + 1);
    auto *out = array<uint32>(count);
    memset(next, 0, sizeof(uint32) * (size_t(most) + 1));
    for (uint32 i = 0; i < count; ++i) ++next[rank[belongs[cells[i]]] + 1];
    for (uint32 i = 1; i <= most; ++i) next[i] += next[i - 1];
    for (uint32 i = 0; i < count; ++i) out[next[rank[belongs[cells[i]]]]++] = cells[i];
    pfree(next);
    return out;
}

int64 *hashes_of(RollupTable *table, const pg::KeyTable &segments, const RowShape &shape) {
    auto *hash = array<int64>(segments.count);
    for (uint32 segment = 0; segment < segments.count; ++segment) {
        CHECK_FOR_INTERRUPTS();
        const size_t at = size_t(segment) * size_t(shape.keys);
        hash[segment] =
            DatumGetInt64(segment_hash(table, segments.values + at, segments.nulls + at, shape));
    }
    return hash;
}

}  // namespace

bool is_missing(const Levels &levels, const CellTable &cells, uint32 cell, bool hourly) {
    return !cells.settled[cell] && !is_void(cells, cell) &&
           (!hourly || hour_is_kept(levels.hours, cells.bucket[cell]));
}

void write_level(RollupTable *table, const Levels &levels, const Level &level) {
    const bool hourly = table->grain == Grain::hour;
    const CellTable &cells = hourly ? level.hours : level.days;
    Buckets buckets = hourly ? levels.hours : levels.days;
    const bool is_full = &level == &levels.full;
    MemoryContext scratch =
        AllocSetContextCreate(CurrentMemoryContext, "kpi order of rows", ALLOCSET_DEFAULT_SIZES);
    MemoryContext old = MemoryContextSwitchTo(scratch);
    auto *wanted = array<uint32>(cells.count);
    uint32 count = 0;
    for (uint32 cell = 0; cell < cells.count; ++cell)
        if (is_missing(levels, cells, cell, hourly)) wanted[count++] = cell;
    int64 *hash = hashes_of(table, level.segments, *levels.shape);
    wanted = dealt(wanted, count, cells.group, ranks(level.segments.count, compare_hashes, hash),
                   level.segments.count);
    wanted = dealt(wanted, count, cells.bucket, ranks(buckets.count, compare_buckets, &buckets),
                   buckets.count);
    // Full segments with a counted measure's value are of further levels, one after the other.
    const int values = is_full ? levels.shape->keys - levels.shape->dimensions : 0;
    for (int v = 0; v <= values; ++v) {
        const auto number = v == 0 ? level.level : int16(v << kDimensionBits | levels.full.level);
        for (uint32 i = 0; i < count; ++i) {
            const uint32 cell = wanted[i], segment = cells.group[cell];
            if (values > 0 && level_of_full(levels, segment) != number) continue;
            const uint32 bucket = cells.bucket[cell];
            put_row(table,
                    {number, buckets.day[bucket], buckets.hour[bucket], Datum(hash[segment])},
                    level.segments, cells, cell, *levels.shape);
        }
    }
    flush_rows(table);
    MemoryContextSwitchTo(old);
    MemoryContextDelete(scratch);
}

}  // namespace kpi::rewrite
