// All that a part of the days makes: cells of the full segments by hour, and what is added up from
// them by day, single dimension and in all. Palloc'd, without destructors; nothing throws.
#pragma once

#include "engine/rewrite/cells.hpp"

namespace kpi::rewrite {

// How rows come and go: hour, day, n, d1.., v1.., then the sums as Layout::sums() lists them.
struct RowShape {
    int dimensions, keys;  // keys: dimensions and the values of counted measures
    int columns;           // of sums
    // by sum: its number among the values, or -1 - its number among the counters
    int *place;
    SumShape sums;
    FormData_pg_attribute *key;  // of the delta table
    const char **sum_name;
    int *first_counter;  // by measure, where it has counters

    static constexpr int kHour = 0, kDay = 1, kRows = 2, kKeys = 3;
    int first_sum() const { return kKeys + keys; }
    int width() const { return first_sum() + columns; }
};

// One grouping level, or all full segments: with counted measures these are of several levels.
struct Level {
    int16 level;
    pg::KeyTable segments;
    CellTable hours, days;
    uint32 *of_full;  // by full segment: the segment of this level + 1; 0: not looked up yet
    uint32 of_full_room;
};

struct Levels {
    MemoryContext context;
    const RowShape *shape;
    DateADT hours_from;  // hours of earlier days are not kept
    Buckets hours, days;
    Level full;
    Level *coarse;
    int coarse_count;
};

// `masks`: the coarse levels, each as bits of the dimensions that are set.
Levels make_levels(MemoryContext context, const RowShape *shape, DateADT hours_from,
                   const int *masks, int count);
// Adds a row of the shape to its full segment.
void add_row(Levels *levels, const Datum *values, const bool *nulls);
// Days and coarse levels from the full segments' hours.
void add_up_levels(Levels *levels);
// The level of a full segment: that of the counted measure whose value it holds, if any.
int16 level_of_full(const Levels &levels, uint32 segment);
bool hour_is_kept(const Buckets &hours, uint32 bucket);

}  // namespace kpi::rewrite
