// A sum of decimals in 16 bytes: a 64-bit integer at a decimal scale as long as that holds it, a
// Sum (decimal.hpp) from then on. For code inside the executor that keeps one a group: palloc'd,
// nothing throws.
#pragma once

#include "pg/decimal.hpp"

namespace kpi::pg {

struct SmallSum {
    static constexpr int32_t kNone = -1, kWide = -2, kKept = -3;
    int64 value = 0;        // * 10^scale; kWide: a pointer to a Sum; kKept: a varlena datum
    int32_t scale = kNone;  // or kNone: nothing was added yet, kWide, or kKept
};

// `home` keeps what outlives the call.
void add(SmallSum &sum, const Decimal &value, MemoryContext home);
void add(SmallSum &sum, const SmallSum &other, MemoryContext home);
// Counted NaN and infinities of a value.
void add_specials(SmallSum &sum, int64 nan, int64 plus_infinity, int64 minus_infinity,
                  MemoryContext home);
// Takes a copy of a varlena instead of a sum: nothing is added to it.
void keep(SmallSum &sum, Datum value, MemoryContext home);
// The numeric that was kept, or what PostgreSQL's sum() would give, NaN and infinities by what was
// counted, in the current memory context; sets *null when nothing was added.
Datum to_numeric(const SmallSum &sum, bool *null);
bool is_zero(const SmallSum &sum);
// False: they differ, or 64 bits do not tell.
bool equal_small(const SmallSum &sum, const Decimal &value);

}  // namespace kpi::pg
