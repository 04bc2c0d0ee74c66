// The executor's side of sums.hpp: a receiver that finds each row's group and cell in two hash
// tables and adds it up. Palloc'd, without destructors; nothing throws.
#pragma once

#include "pg/key_table.hpp"
#include "pg/small_sum.hpp"
#include "pg/sums.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {

struct SumColumn {
    int number;  // of the row's columns
    Oid type;
    SumForm form;
};

// Everything that the executor's side touches: palloc'd, without destructors.
struct SumTable {
    DestReceiver api;
    MemoryContext context;
    TupleDesc row;
    int parts, values;
    int *part_column;  // by part
    int *part_values;  // by part: how many
    SumColumn *value_column;
    KeyTable groups;
    Datum *label;
    // cells
    size_t limit;  // bytes of `context`
    uint32 cell_count, cell_room;
    int32 *cell_place;
    uint32 *cell_group;
    int64 *cell_counts;
    SmallSum *cell_sums;
    NumberIndex cell_index;
};

SumTable *make_sum_table(const SumColumns &columns);

}  // namespace kpi::pg
