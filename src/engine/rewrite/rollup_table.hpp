// One rollup table of a source, opened for writing: rows go in page by page, in the order of its
// index, past the executor. Triggers that somebody puts on the table by hand do not fire.
#pragma once

#include "engine/rewrite/levels.hpp"

#include "pg/bulk.hpp"

namespace kpi::rewrite {

enum class Grain { day, hour };

struct RollupTable {
    Relation relation;
    Grain grain;
    EState *estate;
    ResultRelInfo *result;
    // The index is ours alone, (level, day[, hour], hash of the segment), so that its entries are
    // made without evaluating the expression for each row.
    bool plain_index;
    int level, day, hour, n;  // columns, from 0; -1: none
    int *key, *sum;           // columns by place in the RowShape
    Datum *values;            // of the row at hand
    bool *nulls;
    BulkInsertState bulk;
    MemoryContext rows;
    TupleTableSlot **slots;
    Datum *hashes;  // of the rows in the slots
    int filled;
    int64 written;
};

// Under RowExclusiveLock. Errors: 55000 when the table has not the columns of the shape.
RollupTable open_rollup(Oid table, Grain grain, const RowShape &shape);
void close_rollup(RollupTable *table);

// The segment part of the index for the keys of a segment; 0 without a plain index.
Datum segment_hash(RollupTable *table, const Datum *keys, const bool *nulls, const RowShape &shape);

// Where a row belongs.
struct Place {
    int16 level;
    DateADT day;
    TimestampTz hour;
    Datum hash;
};
// Puts a row, whose segment and sums are those of a cell, behind those before it.
void put_row(RollupTable *table, const Place &place, const pg::KeyTable &segments,
             const CellTable &cells, uint32 cell, const RowShape &shape);
void flush_rows(RollupTable *table);
// Errors: 40001 when somebody has changed the row past the source's mutex.
void delete_row(RollupTable *table, ItemPointer row);

}  // namespace kpi::rewrite
