// Exact decimal sums. A sum is a 128-bit integer at a decimal scale that adapts to the values
// added; what does not fit goes to a numeric. Nothing here raises on overflow. NaN and infinities
// are counted beside the sum, so that adding and removing one cancels. For code inside the
// executor: memory is palloc'd, nothing throws. Layout of numeric: src/backend/utils/adt/numeric.c,
// stable since 9.1 on disk.
#pragma once

#include "core/measure.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {

using ::int128;  // PostgreSQL's: aligned as palloc aligns

// One measure of one contribution.
struct Decimal {
    enum class Form : uint8_t {
        zero,
        scaled,
        wide,
        nan,
        plus_infinity,
        minus_infinity,
        too_large  // above 10^100000: the row is a bad row, so that no sum can overflow numeric
    };
    Form form = Form::zero;
    int32_t scale = 0;  // decimal digits after the point, for `scaled` and `zero`
    int128 value = 0;   // value * 10^scale, for `scaled`
    // for `wide` and `too_large`: a detoasted numeric, lives as long as the row's expression
    // context
    Datum numeric = 0;
};

Decimal from_integer(int64 value);
// Raises nothing, so that no guard is needed around it.
Decimal from_numeric(Datum value);

// A running sum. Trivially copyable; `wide` lives in the memory context passed to add().
struct Sum {
    int128 value;
    Datum wide;  // numeric to be added, or 0
    int64 nan, plus_infinity, minus_infinity;
    int32_t scale;
};

// sign: +1 adds, -1 takes away. `home` keeps what outlives the call.
void add(Sum &sum, const Decimal &value, int sign, MemoryContext home);
void merge(Sum &into, const Sum &from, MemoryContext home);
bool is_zero(const Sum &sum);
// The finite part as numeric in the current memory context; sets *null for zero.
Datum to_numeric(const Sum &sum, bool *null);
// value / 10^scale as numeric with that many decimals, in the current memory context.
Datum scaled_numeric(int128 value, int scale);
// What the counted NaN and infinities make of the sum, as PostgreSQL's sum() says it: NaN,
// Infinity,
// -Infinity; null: the finite part counts. Counts below 0 are transient: a delta merged before its
// insert.
const char *special_value(const Sum &sum);
Datum special_numeric(const char *name);

}  // namespace kpi::pg
