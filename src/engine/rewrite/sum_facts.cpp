// The facts of a source with trigger capture, straight from the evaluator into the cells.
#include "engine/capture/delta.hpp"
#include "engine/facts/facts.hpp"
#include "engine/rewrite/part.hpp"

namespace kpi::rewrite {
namespace {

constexpr uint32 kFirstRoom = 256;

using capture::Contribution;
using capture::Key;
using pg::Decimal;

uint32 segment_of(Part *part, const Key &key) {
    const RowShape &shape = part->shape;
    auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * size_t(shape.keys + 1)));
    auto *nulls = static_cast<bool *>(palloc(size_t(shape.keys + 1)));
    const char *at = key.bytes;
    for (int k = 0; k < shape.keys; ++k)
        values[k] = capture::read_value(&at, shape.key[k], &nulls[k]);
    const uint32 segment = pg::group_of(&part->levels.full.segments, values, nulls);
    pfree(values);
    pfree(nulls);
    return segment;
}

void make_room(Part *part) {
    ByteKeys *keys = &part->byte_keys;
    if (keys->room == 0) {
        keys->room = kFirstRoom;
        keys->bytes = pg::made<char *>(part->context, kFirstRoom);
        keys->length = pg::made<int>(part->context, kFirstRoom);
        keys->hash = pg::made<uint32>(part->context, kFirstRoom);
        keys->segment = pg::made<uint32>(part->context, kFirstRoom);
        keys->index = pg::make_index(part->context);
    } else if (keys->count == keys->room) {
        keys->room *= 2;
        keys->bytes = pg::grown(keys->bytes, keys->room);
        keys->length = pg::grown(keys->length, keys->room);
        keys->hash = pg::grown(keys->hash, keys->room);
        keys->segment = pg::grown(keys->segment, keys->room);
    }
}

uint32 known_segment(Part *part, const Key &key) {
    ByteKeys *keys = &part->byte_keys;
    make_room(part);
    const uint32 hash =
        key.length == 0
            ? 0
            : hash_bytes(reinterpret_cast<const unsigned char *>(key.bytes), key.length);
    uint32 *slot = pg::slot_in(keys->index, hash, [&](uint32 i) {
        return keys->hash[i] == hash && keys->length[i] == key.length &&
               memcmp(keys->bytes[i], key.bytes, size_t(key.length)) == 0;
    });
    if (*slot != 0) return keys->segment[*slot - 1];
    const uint32 number = keys->count++;
    keys->bytes[number] =
        static_cast<char *>(MemoryContextAlloc(part->context, size_t(Max(key.length, 1))));
    memcpy(keys->bytes[number], key.bytes, size_t(key.length));
    keys->length[number] = key.length;
    keys->hash[number] = hash;
    const uint32 segment = keys->segment[number] = segment_of(part, key);
    *slot = number + 1;
    pg::note_entry(part->context, &keys->index, [keys](uint32 i) { return keys->hash[i]; });
    return segment;
}

uint32 count_row(Part *part, uint32 bucket, const Key &key) {
    CellTable *cells = &part->levels.full.hours;
    const uint32 cell = cell_of(cells, known_segment(part, key), bucket);
    ++cells->n[cell];
    return cell;
}

void add_measure(Part *part, uint32 cell, int measure, const Decimal &value) {
    CellTable *cells = &part->levels.full.hours;
    const auto count = [&](int kind) {
        ++counters_of(cells, cell)[part->shape.first_counter[measure] + kind];
    };
    switch (value.form) {
        case Decimal::Form::zero:
            return;
        case Decimal::Form::nan:
            return count(0);
        case Decimal::Form::plus_infinity:
            return count(1);
        case Decimal::Form::minus_infinity:
            return count(2);
        default:
            pg::add(cells->sums[size_t(cell) * size_t(part->shape.sums.values) + size_t(measure)],
                    value, cells->context);
    }
}

void see_fact(void *self, const Contribution &row) {
    auto *part = static_cast<Part *>(self);
    Levels *levels = &part->levels;
    const TimestampTz hour = row.bucket.day < levels->hours_from ? DT_NOBEGIN : row.bucket.hour;
    const uint32 bucket = bucket_of(&levels->hours, hour, row.bucket.day);
    const uint32 cell = count_row(part, bucket, row.key);
    for (int m = 0; m < part->shape.sums.values; ++m) add_measure(part, cell, m, row.measures[m]);
    for (int v = 0; v < part->shape.keys - part->shape.dimensions; ++v)
        if (row.values[v].length > 0) (void)count_row(part, bucket, row.values[v]);
    after_row(part);
}

Datum day_range(const Days &days) {
    RangeBound from{}, to{};
    from.lower = from.inclusive = true;
    from.infinite = days.from == INT32_MIN;
    from.val = DateADTGetDatum(days.from);
    to.infinite = days.to == INT32_MAX;
    to.val = DateADTGetDatum(days.to);
    TypeCacheEntry *range = lookup_type_cache(DATERANGEOID, TYPECACHE_RANGE_INFO);
    RangeType *one = pg::range_of(range, from, to);
    return MultirangeTypePGetDatum(make_multirange(DATEMULTIRANGEOID, range, 1, &one));
}

}  // namespace

void sum_facts(Part *part, const Days &days) {
    capture::Source *source = capture::readable_source(part->delta);
    capture::each_fact(source, capture::Span::days, day_range(days), see_fact, part);
}

}  // namespace kpi::rewrite
