#include "pg/small_sum.hpp"

namespace kpi::pg {
namespace {

constexpr int kScales = 19;  // powers of ten within 64 bits

int64 power(int exponent) {
    int64 out = 1;
    for (int i = 0; i < exponent; ++i) out *= 10;
    return out;
}

// False when 64 bits do not hold the sum.
bool add_small(SmallSum &sum, const Decimal &value) {
    if (sum.scale == SmallSum::kWide) return false;
    if (value.form != Decimal::Form::scaled && value.form != Decimal::Form::zero) return false;
    if (value.value > PG_INT64_MAX || value.value < PG_INT64_MIN) return false;
    if (value.scale >= kScales) return false;
    if (sum.scale == SmallSum::kNone) {
        sum = {int64(value.value), value.scale};
        return true;
    }
    if (value.scale == sum.scale) {
        // What overflows is written all the same: not into the sum.
        int64 total = 0;
        if (__builtin_add_overflow(sum.value, int64(value.value), &total)) return false;
        sum.value = total;
        return true;
    }
    const int32_t scale = Max(sum.scale, value.scale);
    const int128 total =
        int128(sum.value) * power(scale - sum.scale) + value.value * power(scale - value.scale);
    if (total > PG_INT64_MAX || total < PG_INT64_MIN) return false;
    sum = {int64(total), scale};
    return true;
}

Sum *wide(SmallSum &sum, MemoryContext home) {
    if (sum.scale == SmallSum::kWide) return reinterpret_cast<Sum *>(sum.value);
    auto *made = static_cast<Sum *>(MemoryContextAllocZero(home, sizeof(Sum)));
    if (sum.scale != SmallSum::kNone) {
        made->value = sum.value;
        made->scale = sum.scale;
    }
    sum = {reinterpret_cast<int64>(made), SmallSum::kWide};
    return made;
}

}  // namespace

void add(SmallSum &sum, const Decimal &value, MemoryContext home) {
    if (add_small(sum, value)) return;
    Decimal term = value;
    // Of one row that would be a bad row; a sum of good ones may be as large.
    if (term.form == Decimal::Form::too_large) term.form = Decimal::Form::wide;
    add(*wide(sum, home), term, 1, home);
}

void add(SmallSum &sum, const SmallSum &other, MemoryContext home) {
    if (other.scale == SmallSum::kNone) return;
    if (other.scale == SmallSum::kWide) {
        merge(*wide(sum, home), *reinterpret_cast<const Sum *>(other.value), home);
        return;
    }
    Decimal term;
    term.form = Decimal::Form::scaled;
    term.scale = other.scale;
    term.value = other.value;
    add(sum, term, home);
}

bool is_zero(const SmallSum &sum) {
    if (sum.scale == SmallSum::kWide) return is_zero(*reinterpret_cast<const Sum *>(sum.value));
    return sum.value == 0;
}

bool equal_small(const SmallSum &sum, const Decimal &value) {
    if (sum.scale == SmallSum::kWide || value.scale >= kScales) return false;
    if (value.form == Decimal::Form::zero) return sum.value == 0;
    if (value.form != Decimal::Form::scaled) return false;
    if (value.value > PG_INT64_MAX || value.value < PG_INT64_MIN) return false;
    const int32_t scale = Max(sum.scale, 0);
    const int32_t common = Max(scale, value.scale);
    return int128(sum.value) * power(common - scale) == value.value * power(common - value.scale);
}

void add_specials(SmallSum &sum, int64 nan, int64 plus_infinity, int64 minus_infinity,
                  MemoryContext home) {
    Sum *full = wide(sum, home);
    full->nan += nan;
    full->plus_infinity += plus_infinity;
    full->minus_infinity += minus_infinity;
}

void keep(SmallSum &sum, Datum value, MemoryContext home) {
    MemoryContext old = MemoryContextSwitchTo(home);
    sum = {int64(PointerGetDatum(PG_DETOAST_DATUM_COPY(value))), SmallSum::kKept};
    MemoryContextSwitchTo(old);
}

Datum to_numeric(const SmallSum &sum, bool *null) {
    *null = sum.scale == SmallSum::kNone;
    if (*null) return 0;
    if (sum.scale == SmallSum::kKept) return Datum(sum.value);
    if (sum.scale != SmallSum::kWide) return scaled_numeric(sum.value, sum.scale);
    const Sum &full = *reinterpret_cast<const Sum *>(sum.value);
    if (const char *name = special_value(full)) return special_numeric(name);
    bool zero = false;
    const Datum total = to_numeric(full, &zero);
    return zero ? scaled_numeric(0, full.scale) : total;
}

}  // namespace kpi::pg
