#include "engine/rewrite/part.hpp"

#include "core/measure.hpp"
#include "engine/rewrite/order.hpp"

namespace kpi::rewrite {
namespace {

// Days and coarse levels come on top of what is summed up first, and a sort beside it.
constexpr Size kShareOfMemory = 3;

void read_shape(Part *part) {
    Relation delta = relation_open(part->delta, AccessShareLock);
    TupleDesc descriptor = RelationGetDescr(delta);
    RowShape *shape = &part->shape;
    const auto columns = size_t(descriptor->natts);
    shape->key =
        static_cast<FormData_pg_attribute *>(palloc(sizeof(FormData_pg_attribute) * columns));
    shape->place = static_cast<int *>(palloc(sizeof(int) * columns));
    shape->first_counter = static_cast<int *>(palloc(sizeof(int) * columns));
    shape->sum_name = static_cast<const char **>(palloc(sizeof(char *) * columns));
    for (int c = 0; c < descriptor->natts; ++c) {
        const FormData_pg_attribute &attribute = *TupleDescAttr(descriptor, c);
        const char *name = NameStr(attribute.attname);
        if (name[0] == 'v' || (name[0] == 'd' && strcmp(name, "day") != 0)) {
            shape->dimensions += name[0] == 'd' ? 1 : 0;
            shape->key[shape->keys++] = attribute;
        } else if (name[0] == 'm') {
            const bool counter = strchr(name, '_') != nullptr;
            if (!counter) shape->first_counter[shape->sums.values] = shape->sums.counters;
            shape->place[shape->columns] =
                counter ? -1 - shape->sums.counters++ : shape->sums.values++;
            shape->sum_name[shape->columns++] = pstrdup(name);
        }
    }
    relation_close(delta, NoLock);
}

void make_empty(Part *part) {
    if (part->context != nullptr) MemoryContextDelete(part->context);
    part->context = AllocSetContextCreate(part->home, "kpi rollup sums", ALLOCSET_DEFAULT_SIZES);
    part->levels = make_levels(part->context, &part->shape, part->hours_from, part->coarse,
                               part->coarse_count);
    part->byte_keys = {};
    part->since_check = 0;
}

bool is_full(const Part *part) {
    return MemoryContextMemAllocated(part->context, true) > part->limit;
}

void touch(Part *part, DateADT day) {
    if (part->touched.count <= part->max_days) bucket_of(&part->touched, DT_NOBEGIN, day);
}

void note_wrong(Part *part, WrongRows *wrong, ItemPointer row) {
    if (wrong->count == wrong->room) {
        wrong->room = Max(wrong->room * 2, uint32(64));
        const Size size = sizeof(ItemPointerData) * size_t(wrong->room);
        wrong->row = static_cast<ItemPointerData *>(wrong->row == nullptr
                                                        ? MemoryContextAllocHuge(part->home, size)
                                                        : repalloc_huge(wrong->row, size));
    }
    ItemPointerCopy(row, &wrong->row[wrong->count++]);
}

Level *level_of(Levels *levels, int16 level) {
    if (level == levels->full.level || level >> kDimensionBits != 0) return &levels->full;
    for (int i = 0; i < levels->coarse_count; ++i)
        if (levels->coarse[i].level == level) return &levels->coarse[i];
    return nullptr;
}

bool same_sums(const RowShape &shape, const CellTable &cells, uint32 cell, const Datum *values,
               const bool *nulls) {
    if (cells.n[cell] != DatumGetInt64(values[RowShape::kRows])) return false;
    const int64 *counts = shape.sums.counters > 0 ? cells.counts[cell] : nullptr;
    for (int s = 0; s < shape.columns; ++s) {
        const int column = shape.first_sum() + s, from = shape.place[s];
        if (from < 0) {
            const int64 count = nulls[column] ? 0 : DatumGetInt64(values[column]);
            if (count != (counts == nullptr ? 0 : counts[-1 - from])) return false;
            continue;
        }
        const SmallSum &sum = cells.sums[size_t(cell) * size_t(shape.sums.values) + size_t(from)];
        if (nulls[column]) {
            if (!pg::is_zero(sum)) return false;
            continue;
        }
        if (pg::equal_small(sum, pg::from_numeric(values[column]))) continue;
        if (sum.scale != SmallSum::kWide) return false;
        bool null = false;
        const Datum total = pg::to_numeric(sum, &null);
        if (null || !DatumGetBool(DirectFunctionCall2(numeric_eq, total, values[column])))
            return false;
    }
    return true;
}

// The cell that a row of a rollup stands for; kNoCell: it should not be there.
uint32 cell_of_row(Part *part, Level *level, CellTable *cells, bool hourly, int16 number,
                   const Datum *values, const bool *nulls) {
    Buckets *buckets = hourly ? &part->levels.hours : &part->levels.days;
    const uint32 segment =
        pg::find_group(&level->segments, values + RowShape::kKeys, nulls + RowShape::kKeys);
    if (segment == pg::kNoGroup) return kNoCell;
    if (level == &part->levels.full && level_of_full(part->levels, segment) != number)
        return kNoCell;
    const TimestampTz hour =
        hourly ? DatumGetTimestampTz(values[RowShape::kHour]) : TimestampTz(DT_NOBEGIN);
    const uint32 bucket = bucket_of(buckets, hour, DatumGetDateADT(values[RowShape::kDay]));
    const uint32 cell = find_cell(cells, segment, bucket);
    return cell == kNoCell || is_void(*cells, cell) ? kNoCell : cell;
}

// Rows that are there: ctid, level, then the columns of the shape. The first one that is right
// stays; what differs, copies and what should not be there go.
void compare_row(Part *part, RollupTable *table, const Datum *values, const bool *nulls) {
    const bool hourly = table->grain == Grain::hour;
    const auto row = reinterpret_cast<ItemPointer>(DatumGetPointer(values[0]));
    const int16 number = DatumGetInt16(values[1]);
    values += 2;
    nulls += 2;
    Level *level = level_of(&part->levels, number);
    CellTable *cells = level == nullptr ? nullptr : hourly ? &level->hours : &level->days;
    const uint32 cell =
        level == nullptr ? kNoCell : cell_of_row(part, level, cells, hourly, number, values, nulls);
    if (cell != kNoCell && !cells->settled[cell] &&
        same_sums(part->shape, *cells, cell, values, nulls)) {
        cells->settled[cell] = true;
        return;
    }
    note_wrong(part, hourly ? &part->wrong_hours : &part->wrong_days, row);
    if (cell != kNoCell) return;  // counted when its cell is written
    ++part->rows;
    touch(part, DatumGetDateADT(values[RowShape::kDay]));
}

bool receive(TupleTableSlot *slot, DestReceiver *self) {
    auto *receiver = reinterpret_cast<RowReceiver *>(self);
    slot_getallattrs(slot);
    if (receiver->existing != nullptr) {
        compare_row(receiver->part, receiver->existing, slot->tts_values, slot->tts_isnull);
    } else {
        add_row(&receiver->part->levels, slot->tts_values, slot->tts_isnull);
        after_row(receiver->part);
    }
    return true;
}

void start(DestReceiver *, int, TupleDesc) {}
void finish(DestReceiver *) {}

void delete_wrong(RollupTable *table, WrongRows *wrong) {
    for (uint32 i = 0; i < wrong->count; ++i) delete_row(table, &wrong->row[i]);
    wrong->count = 0;
}

void write_missing(Part *part, RollupTable *table, const Level &level) {
    const bool hourly = table->grain == Grain::hour;
    const CellTable &cells = hourly ? level.hours : level.days;
    const Buckets &buckets = hourly ? part->levels.hours : part->levels.days;
    for (uint32 cell = 0; cell < cells.count; ++cell)
        if (is_missing(part->levels, cells, cell, hourly))
            touch(part, buckets.day[cells.bucket[cell]]);
    write_level(table, part->levels, level);
}

}  // namespace

Part *open_part(const Job &job, const int *coarse, size_t max_days) {
    MemoryContext home =
        AllocSetContextCreate(CurrentMemoryContext, "kpi rewrite", ALLOCSET_DEFAULT_SIZES);
    MemoryContext old = MemoryContextSwitchTo(home);
    auto *part = static_cast<Part *>(palloc0(sizeof(Part)));
    part->home = home;
    part->delta = job.delta.value;
    part->hours_from = job.hours_from;
    part->coarse_count = int(job.coarse.size());
    part->coarse = static_cast<int *>(palloc(sizeof(int) * (job.coarse.size() + 1)));
    std::copy(coarse, coarse + part->coarse_count, part->coarse);
    part->limit = Size(work_mem) * 1024 / kShareOfMemory;
    part->max_days = uint32(max_days);
    read_shape(part);
    part->touched = make_buckets(home);
    make_empty(part);
    part->day = open_rollup(job.day.value, Grain::day, part->shape);
    part->hour = open_rollup(job.hour.value, Grain::hour, part->shape);
    MemoryContextSwitchTo(old);
    return part;
}

void close_part(Part *part) {
    if (part->spill != nullptr) end_spill(part->spill);
    close_rollup(&part->hour);
    close_rollup(&part->day);
    MemoryContextDelete(part->home);
}

void after_row(Part *part) {
    if (++part->since_check < 1024) return;
    part->since_check = 0;
    if (!is_full(part)) return;
    MemoryContext old = MemoryContextSwitchTo(part->home);
    if (part->spill == nullptr) part->spill = start_spill(part->shape, int(part->limit / 1024));
    spill_cells(part->spill, part->levels);
    make_empty(part);
    MemoryContextSwitchTo(old);
}

DestReceiver *receive_rows(Part *part, RollupTable *existing) {
    part->receiver.api = {receive, start, finish, finish, DestNone};
    part->receiver.part = part;
    part->receiver.existing = existing;
    return &part->receiver.api;
}

void finish_summing(Part *part) {
    if (part->spill == nullptr) return;
    MemoryContext old = MemoryContextSwitchTo(part->home);
    spill_cells(part->spill, part->levels);
    make_empty(part);
    sort_spill(part->spill);
    MemoryContextSwitchTo(old);
}

bool next_part(Part *part, Days *days) {
    MemoryContext old = MemoryContextSwitchTo(part->home);
    bool more = false;
    DateADT last = 0;
    for (bool first = true; part->spill != nullptr; first = false) {
        CHECK_FOR_INTERRUPTS();
        const TupleTableSlot *row = peek_row(part->spill);
        if (row == nullptr) break;
        const DateADT day = DatumGetDateADT(row->tts_values[RowShape::kDay]);
        more = !first && day != last && is_full(part);
        if (more) {
            days->to = day;
            break;
        }
        last = day;
        add_row(&part->levels, row->tts_values, row->tts_isnull);
        take_row(part->spill);
    }
    MemoryContextSwitchTo(part->context);
    add_up_levels(&part->levels);
    MemoryContextSwitchTo(old);
    return more;
}

void write_part(Part *part) {
    MemoryContext old = MemoryContextSwitchTo(part->home);
    const Levels &levels = part->levels;
    delete_wrong(&part->day, &part->wrong_days);
    delete_wrong(&part->hour, &part->wrong_hours);
    const int64 before = part->day.written + part->hour.written;
    for (RollupTable *table : {&part->day, &part->hour}) {
        for (int i = 0; i < levels.coarse_count; ++i) write_missing(part, table, levels.coarse[i]);
        write_missing(part, table, levels.full);
    }
    part->rows += part->day.written + part->hour.written - before;
    make_empty(part);
    MemoryContextSwitchTo(old);
    CommandCounterIncrement();
}

uint32 touched_days(Part *part, const DateADT **days) {
    qsort(part->touched.day, part->touched.count, sizeof(DateADT),
          [](const void *a, const void *b) {
              const DateADT left = *static_cast<const DateADT *>(a);
              const DateADT right = *static_cast<const DateADT *>(b);
              return left < right ? -1 : left > right ? 1 : 0;
          });
    *days = part->touched.day;
    return part->touched.count;
}

}  // namespace kpi::rewrite
