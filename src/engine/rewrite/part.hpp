// The state of a rewrite: what is summed up, the tables that it goes to, what of them is wrong.
// Palloc'd, without destructors; nothing throws.
#pragma once

#include "engine/rewrite/rewrite.hpp"
#include "engine/rewrite/rollup_table.hpp"
#include "engine/rewrite/spill.hpp"

namespace kpi::rewrite {

// Rows of a rollup that are to go.
struct WrongRows {
    ItemPointerData *row;
    uint32 count, room;
};

// Bytes of keys as capture writes them: the full segment of each, without taking them apart again.
struct ByteKeys {
    uint32 count, room;
    char **bytes;
    int *length;
    uint32 *hash, *segment;
    pg::NumberIndex index;
};

// A row at a time from the executor.
struct RowReceiver {
    DestReceiver api;
    struct Part *part;
    RollupTable *existing;  // null: rows to add
};

// All of it is in `home`; the levels are in a child of it that is made anew for each part.
struct Part {
    MemoryContext home, context;
    Oid delta;
    RowShape shape;
    DateADT hours_from;
    int *coarse;
    int coarse_count;
    Levels levels;
    ByteKeys byte_keys;
    Size limit;  // bytes of the levels when a part is full
    uint32 since_check;
    Spill *spill;
    RollupTable day, hour;
    WrongRows wrong_days, wrong_hours;
    // touched days: a set, up to `max_days` + 1
    Buckets touched;
    uint32 max_days;
    int64 rows;
    RowReceiver receiver;
};

Part *open_part(const Job &job, const int *coarse, size_t max_days);
void close_part(Part *part);

// Sums up all facts of the days of a source with trigger capture.
void sum_facts(Part *part, const Days &days);
// After a row was added: makes room when memory is used up.
void after_row(Part *part);
// A receiver of rows to be added, or, with a table, of rows that it has.
DestReceiver *receive_rows(Part *part, RollupTable *existing);
// After the last row to be added.
void finish_summing(Part *part);
// Fills the levels with the days from `days->from` on, and sets days->to behind the last of them.
// False: there is nothing after them.
bool next_part(Part *part, Days *days);
// Deletes what is wrong, writes what is missing and empties the levels.
void write_part(Part *part);
// The touched days in order; returns how many.
uint32 touched_days(Part *part, const DateADT **days);

}  // namespace kpi::rewrite
