#include "engine/rewrite/levels.hpp"

#include "core/measure.hpp"

namespace kpi::rewrite {
namespace {

constexpr uint32 kCheckEvery = 4096;  // cells between two looks for a cancel

Level make_level(MemoryContext context, const RowShape &shape, int16 level) {
    Level out{};
    out.level = level;
    out.segments = pg::make_key_table(context, shape.keys);
    for (int k = 0; k < shape.keys; ++k) pg::set_key(&out.segments, k, shape.key[k]);
    out.hours = make_cells(context, shape.sums);
    out.days = make_cells(context, shape.sums);
    return out;
}

// Full segments are few: each is looked up once.
void make_room(Levels *levels, Level *coarse) {
    coarse->of_full_room = levels->full.segments.count;
    coarse->of_full = static_cast<uint32 *>(MemoryContextAllocHuge(
        levels->context, sizeof(uint32) * (size_t(coarse->of_full_room) + 1)));
    memset(coarse->of_full, 0, sizeof(uint32) * size_t(coarse->of_full_room));
}

uint32 coarse_segment(Levels *levels, Level *coarse, uint32 full) {
    uint32 &known = coarse->of_full[full];
    if (known != 0) return known - 1;
    const int keys = levels->shape->keys;
    auto *values = static_cast<Datum *>(palloc0(sizeof(Datum) * size_t(keys + 1)));
    auto *nulls = static_cast<bool *>(palloc0(size_t(keys + 1)));
    for (int k = 0; k < keys; ++k) {
        const size_t at = size_t(full) * size_t(keys) + size_t(k);
        nulls[k] = (coarse->level >> k & 1) == 0 || k >= levels->shape->dimensions ||
                   levels->full.segments.nulls[at];
        if (!nulls[k]) values[k] = levels->full.segments.values[at];
    }
    known = pg::group_of(&coarse->segments, values, nulls) + 1;
    pfree(values);
    pfree(nulls);
    return known - 1;
}

void add_to_coarse(Levels *levels, const CellTable &from, uint32 cell, CellTable Level::*grain) {
    const uint32 segment = from.group[cell];
    // Values of counted measures are kept with full segments only.
    if (level_of_full(*levels, segment) != levels->full.level) return;
    for (int i = 0; i < levels->coarse_count; ++i) {
        Level *coarse = &levels->coarse[i];
        CellTable *into = &(coarse->*grain);
        add_up(into, cell_of(into, coarse_segment(levels, coarse, segment), from.bucket[cell]),
               from, cell);
    }
}

}  // namespace

Levels make_levels(MemoryContext context, const RowShape *shape, DateADT hours_from,
                   const int *masks, int count) {
    Levels out{};
    out.context = context;
    out.shape = shape;
    out.hours_from = hours_from;
    out.hours = make_buckets(context);
    out.days = make_buckets(context);
    out.full = make_level(context, *shape, int16((1 << shape->dimensions) - 1));
    out.coarse = pg::made<Level>(context, uint64(count));
    out.coarse_count = count;
    for (int i = 0; i < count; ++i) out.coarse[i] = make_level(context, *shape, int16(masks[i]));
    return out;
}

void add_row(Levels *levels, const Datum *values, const bool *nulls) {
    const RowShape &shape = *levels->shape;
    const DateADT day = DatumGetDateADT(values[RowShape::kDay]);
    const TimestampTz hour =
        day < levels->hours_from ? DT_NOBEGIN : DatumGetTimestampTz(values[RowShape::kHour]);
    const uint32 segment =
        pg::group_of(&levels->full.segments, values + RowShape::kKeys, nulls + RowShape::kKeys);
    CellTable *cells = &levels->full.hours;
    const uint32 cell = cell_of(cells, segment, bucket_of(&levels->hours, hour, day));
    cells->n[cell] += DatumGetInt64(values[RowShape::kRows]);
    SmallSum *sums = cells->sums + size_t(cell) * size_t(shape.sums.values);
    for (int i = 0; i < shape.columns; ++i) {
        const int column = shape.first_sum() + i;
        if (nulls[column]) continue;
        const int place = shape.place[i];
        if (place >= 0) {
            pg::add(sums[place], pg::from_numeric(values[column]), cells->context);
        } else if (const int64 count = DatumGetInt64(values[column]); count != 0) {
            counters_of(cells, cell)[-1 - place] += count;
        }
    }
}

void add_up_levels(Levels *levels) {
    for (int i = 0; i < levels->coarse_count; ++i) make_room(levels, &levels->coarse[i]);
    const CellTable &hours = levels->full.hours;
    CellTable *days = &levels->full.days;
    for (uint32 cell = 0; cell < hours.count; ++cell) {
        if (cell % kCheckEvery == 0) CHECK_FOR_INTERRUPTS();
        const uint32 bucket = hours.bucket[cell];
        const uint32 day = bucket_of(&levels->days, DT_NOBEGIN, levels->hours.day[bucket]);
        add_up(days, cell_of(days, hours.group[cell], day), hours, cell);
        if (hour_is_kept(levels->hours, bucket)) add_to_coarse(levels, hours, cell, &Level::hours);
    }
    for (uint32 cell = 0; cell < days->count; ++cell) {
        if (cell % kCheckEvery == 0) CHECK_FOR_INTERRUPTS();
        add_to_coarse(levels, *days, cell, &Level::days);
    }
}

int16 level_of_full(const Levels &levels, uint32 segment) {
    const RowShape &shape = *levels.shape;
    const bool *nulls = levels.full.segments.nulls + size_t(segment) * size_t(shape.keys);
    for (int k = shape.dimensions; k < shape.keys; ++k)
        if (!nulls[k])
            return int16((k - shape.dimensions + 1) << kDimensionBits | levels.full.level);
    return levels.full.level;
}

bool hour_is_kept(const Buckets &hours, uint32 bucket) { return hours.hour[bucket] != DT_NOBEGIN; }

}  // namespace kpi::rewrite
