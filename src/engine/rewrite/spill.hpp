// Sums that memory had no room for: rows of the shape, on their way through a sort by day, which
// goes to temporary files as it must. Palloc'd, without destructors; nothing throws.
#pragma once

#include "engine/rewrite/levels.hpp"

#include "pg/bulk.hpp"

namespace kpi::rewrite {

struct Spill {
    TupleDesc descriptor;
    Tuplesortstate *sort;
    TupleTableSlot *slot;
    bool has_row;  // the slot holds a row that was read and not taken
};

// `kilobytes`: what the sort itself may use.
Spill *start_spill(const RowShape &shape, int kilobytes);
// Moves all cells of the full segments' hours out.
void spill_cells(Spill *spill, const Levels &levels);
void sort_spill(Spill *spill);
// The next row in the order of the days; null: there is none. take_row moves on.
const TupleTableSlot *peek_row(Spill *spill);
inline void take_row(Spill *spill) { spill->has_row = false; }
void end_spill(Spill *spill);

}  // namespace kpi::rewrite
