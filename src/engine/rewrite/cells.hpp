// Sums by bucket and segment: one cell for each pair that has rows. Palloc'd, without destructors;
// nothing throws.
#pragma once

#include "pg/key_table.hpp"
#include "pg/small_sum.hpp"

#include "pg/prelude.hpp"

namespace kpi::rewrite {

using pg::SmallSum;

// Hours with their days, or days, as numbers in the order in which they were met.
struct Buckets {
    MemoryContext context;
    uint32 count, room;
    TimestampTz *hour;
    DateADT *day;
    pg::NumberIndex index;
    uint32 last;  // rows of one bucket often come together
};

Buckets make_buckets(MemoryContext context);
uint32 bucket_of(Buckets *buckets, TimestampTz hour, DateADT day);

// What a source's rows hold beside n.
struct SumShape {
    int values;    // m1..: exact sums
    int counters;  // m2_nan..: of NaN and infinities
};

struct CellTable {
    MemoryContext context;
    SumShape shape;
    uint32 count, room;
    uint32 *group, *bucket;
    int64 *n;
    SmallSum *sums;  // `values` for each cell
    int64 **counts;  // `counters` for each cell that has any; null otherwise
    bool *settled;   // the rollup has the row as it should be
    pg::NumberIndex index;
};

constexpr uint32 kNoCell = UINT32_MAX;

CellTable make_cells(MemoryContext context, const SumShape &shape);
// find_cell: kNoCell when there is none.
uint32 cell_of(CellTable *table, uint32 group, uint32 bucket);
uint32 find_cell(CellTable *table, uint32 group, uint32 bucket);
// The counters of a cell, made when there are none.
int64 *counters_of(CellTable *table, uint32 cell);
// Adds a cell of another table of the same shape.
void add_up(CellTable *into, uint32 cell, const CellTable &from, uint32 other);
// Nothing is left of the cell: no row and no sum.
bool is_void(const CellTable &table, uint32 cell);

}  // namespace kpi::rewrite
