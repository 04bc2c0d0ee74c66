// The executor's side of sums.hpp: a receiver that finds each row's group and cell in two hash
// tables and adds it up. Palloc'd, without destructors; nothing throws.
#pragma once

#include "pg/small_sum.hpp"
#include "pg/sums.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {

struct SumKey {
    FmgrInfo hash, equal;
    Oid collation;
    int16 length;
    bool by_value;
};

struct SumColumn {
    int number;  // of the row's columns
    Oid type;
    SumForm form;
};

// Open addressing over numbers of entries + 1; 0: free. Half full at most.
struct SumIndex {
    uint32 *slots;
    uint32 mask;
    uint32 used;
};

// Everything that the executor's side touches: palloc'd, without destructors.
struct SumTable {
    DestReceiver api;
    MemoryContext context;
    TupleDesc row;
    int keys, parts, values;
    SumKey *key;
    int *part_column;  // by part
    int *part_values;  // by part: how many
    SumColumn *value_column;
    // groups
    uint32 group_count, group_room;
    Datum *group_keys;
    bool *group_nulls;
    uint32 *group_hash;
    Datum *label;
    SumIndex group_index;
    // cells
    uint32 cell_count, cell_room;
    int32 *cell_place;
    uint32 *cell_group;
    int64 *cell_counts;
    SmallSum *cell_sums;
    SumIndex cell_index;
};

SumTable *make_sum_table(const SumColumns &columns);

}  // namespace kpi::pg
