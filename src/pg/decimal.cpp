#include "pg/decimal.hpp"

namespace kpi::pg {
namespace {

// numeric's header bits (numeric.c: NumericShort, NumericLong, special values).
constexpr uint16 kSignMask = 0xC000, kNegative = 0x4000, kShort = 0x8000, kSpecial = 0xC000;
constexpr uint16 kExtendedMask = 0xF000, kNan = 0xC000, kPlusInfinity = 0xD000;
constexpr uint16 kShortNegative = 0x2000, kShortScaleMask = 0x1F80;
constexpr int kShortScaleShift = 7;
constexpr uint16 kShortWeightSign = 0x0040, kShortWeightMask = 0x003F, kLongScaleMask = 0x3FFF;
constexpr int kBase = 10000, kDigits = 4;
constexpr int kMaxScale = 18;      // leaves 20 digits before the point in 128 bits
constexpr int kMaxGroups = 8;      // 32 decimal digits, below 2^127
constexpr int kMaxWeight = 25000;  // base-10000 digits before the point: 10^100000

constexpr int128 power10(int exponent) {
    int128 p = 1;
    for (int i = 0; i < exponent; ++i) p *= 10;
    return p;
}

struct Parts {
    bool negative = false;
    int weight = 0, scale = 0, count = 0;
    const int16 *digits = nullptr;
};

// Rescales to `scale` without losing digits; false on overflow.
bool rescale(int128 &value, int from, int to) {
    return from == to || !__builtin_mul_overflow(value, power10(to - from), &value);
}

void add_wide(Sum &sum, Datum value, int sign, MemoryContext home) {
    MemoryContext old = MemoryContextSwitchTo(home);
    const Datum base = sum.wide != 0 ? sum.wide : NumericGetDatum(int64_to_numeric(0));
    const Datum total = DirectFunctionCall2(sign > 0 ? numeric_add : numeric_sub, base, value);
    pfree(DatumGetPointer(base));
    sum.wide = total;
    MemoryContextSwitchTo(old);
}

void add_scaled(Sum &sum, int128 value, int scale, MemoryContext home) {
    int128 have = sum.value;
    const int target = Max(scale, sum.scale);
    int128 total = 0;
    int128 term = value;
    if (rescale(have, sum.scale, target) && rescale(term, scale, target) &&
        !__builtin_add_overflow(have, term, &total)) {
        sum.value = total;
        sum.scale = target;
        return;
    }
    MemoryContext old = MemoryContextSwitchTo(home);
    const Datum wide = scaled_numeric(value, scale);
    MemoryContextSwitchTo(old);
    add_wide(sum, wide, 1, home);
    pfree(DatumGetPointer(wide));
}

}  // namespace

Datum scaled_numeric(int128 value, int scale) {
    if (value >= PG_INT64_MIN && value <= PG_INT64_MAX)
        return NumericGetDatum(scale == 0 ? int64_to_numeric(int64(value))
                                          : int64_div_fast_to_numeric(int64(value), scale));
    char text[64];
    char *at = text + sizeof(text) - 1;
    *at = '\0';
    const bool negative = value < 0;
    unsigned __int128 rest =
        negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
    for (int digits = 0; rest != 0 || digits <= scale; ++digits) {
        if (digits == scale && scale > 0) *--at = '.';
        *--at = char('0' + int(rest % 10));
        rest /= 10;
    }
    if (negative) *--at = '-';
    return DirectFunctionCall3(numeric_in, CStringGetDatum(at), ObjectIdGetDatum(InvalidOid),
                               Int32GetDatum(-1));
}

Decimal from_integer(int64 value) {
    Decimal out;
    if (value == 0) return out;
    out.form = Decimal::Form::scaled;
    out.value = value;
    return out;
}

Decimal from_numeric(Datum datum) {
    Decimal out;
    auto *raw = reinterpret_cast<struct varlena *>(DatumGetPointer(datum));
    if (VARATT_IS_EXTENDED(raw) && !VARATT_IS_SHORT(raw)) raw = PG_DETOAST_DATUM(datum);
    const char *data = VARDATA_ANY(raw);
    const int bytes = int(VARSIZE_ANY_EXHDR(raw));
    uint16 header = 0;
    memcpy(&header, data, sizeof(header));
    if ((header & kSignMask) == kSpecial) {
        const uint16 kind = header & kExtendedMask;
        out.form = kind == kNan            ? Decimal::Form::nan
                   : kind == kPlusInfinity ? Decimal::Form::plus_infinity
                                           : Decimal::Form::minus_infinity;
        return out;
    }
    Parts parts;
    int16 digits[kMaxGroups];
    int start = int(sizeof(uint16));
    if ((header & kSignMask) == kShort) {
        parts.negative = (header & kShortNegative) != 0;
        parts.scale = (header & kShortScaleMask) >> kShortScaleShift;
        parts.weight = int(header & kShortWeightMask) |
                       ((header & kShortWeightSign) != 0 ? ~int(kShortWeightMask) : 0);
    } else {
        int16 weight = 0;
        memcpy(&weight, data + start, sizeof(weight));
        start += int(sizeof(weight));
        parts.negative = (header & kSignMask) == kNegative;
        parts.scale = header & kLongScaleMask;
        parts.weight = weight;
    }
    parts.count = (bytes - start) / int(sizeof(int16));
    if (parts.count == 0) {
        out.scale = parts.scale;
        return out;
    }
    if (parts.weight > kMaxWeight) {
        out.form = Decimal::Form::too_large;
        out.numeric = PointerGetDatum(PG_DETOAST_DATUM(PointerGetDatum(raw)));
        return out;
    }
    // Groups of the scaled integer: from the weight down to the last digit, or to the point.
    const int fraction = Max(0, parts.count - 1 - parts.weight);
    const int groups = parts.weight + 1 + fraction;
    if (groups > kMaxGroups || groups < 1 || parts.count > kMaxGroups || parts.scale > kMaxScale) {
        out.form = Decimal::Form::wide;
        out.numeric = PointerGetDatum(PG_DETOAST_DATUM(PointerGetDatum(raw)));
        return out;
    }
    memcpy(digits, data + start, size_t(parts.count) * sizeof(int16));
    int128 value = 0;
    for (int i = 0; i < parts.count; ++i) value = value * kBase + digits[i];
    for (int i = parts.count; i <= parts.weight; ++i) value *= kBase;
    // The integer stands at 4 * fraction decimals; bring it to the value's own scale.
    const int stands = kDigits * fraction;
    if (stands >= parts.scale) {
        value /= power10(stands - parts.scale);
    } else if (!rescale(value, stands, parts.scale)) {
        out.form = Decimal::Form::wide;
        out.numeric = PointerGetDatum(PG_DETOAST_DATUM(PointerGetDatum(raw)));
        return out;
    }
    out.form = Decimal::Form::scaled;
    out.scale = parts.scale;
    out.value = parts.negative ? -value : value;
    return out;
}

void add(Sum &sum, const Decimal &value, int sign, MemoryContext home) {
    switch (value.form) {
        case Decimal::Form::zero:
        case Decimal::Form::too_large:  // evaluate() lets no such row through
            return;
        case Decimal::Form::scaled:
            add_scaled(sum, sign > 0 ? value.value : -value.value, value.scale, home);
            return;
        case Decimal::Form::wide:
            add_wide(sum, value.numeric, sign, home);
            return;
        case Decimal::Form::nan:
            sum.nan += sign;
            return;
        case Decimal::Form::plus_infinity:
            sum.plus_infinity += sign;
            return;
        case Decimal::Form::minus_infinity:
            sum.minus_infinity += sign;
            return;
    }
}

void merge(Sum &into, const Sum &from, MemoryContext home) {
    if (from.value != 0) add_scaled(into, from.value, from.scale, home);
    if (from.wide != 0) add_wide(into, from.wide, 1, home);
    into.nan += from.nan;
    into.plus_infinity += from.plus_infinity;
    into.minus_infinity += from.minus_infinity;
}

bool is_zero(const Sum &sum) {
    if (sum.nan != 0 || sum.plus_infinity != 0 || sum.minus_infinity != 0) return false;
    if (sum.wide == 0) return sum.value == 0;
    bool null = false;
    to_numeric(sum, &null);
    return null;
}

Datum to_numeric(const Sum &sum, bool *null) {
    *null = false;
    if (sum.wide == 0) {
        if (sum.value == 0) {
            *null = true;
            return 0;
        }
        return scaled_numeric(sum.value, sum.scale);
    }
    const Datum total =
        DirectFunctionCall2(numeric_add, sum.wide, scaled_numeric(sum.value, sum.scale));
    const Datum zero = NumericGetDatum(int64_to_numeric(0));
    *null = DatumGetBool(DirectFunctionCall2(numeric_eq, total, zero));
    return total;
}

const char *special_value(const Sum &sum) {
    if (sum.nan > 0 || (sum.plus_infinity > 0 && sum.minus_infinity > 0)) return "NaN";
    if (sum.plus_infinity > 0) return "Infinity";
    return sum.minus_infinity > 0 ? "-Infinity" : nullptr;
}

Datum special_numeric(const char *name) {
    return DirectFunctionCall3(numeric_in, CStringGetDatum(name), ObjectIdGetDatum(InvalidOid),
                               Int32GetDatum(-1));
}

}  // namespace kpi::pg
