// kpi._total: the sum of numerics as a 64-bit integer at a decimal scale, which costs a group of a
// merge or a rebuild 16 bytes and an addition. What does not fit goes on as pg::Sum. Runs inside
// the executor for every row of every level: palloc'd, nothing throws.
#include "pg/decimal.hpp"

#include "pg/prelude.hpp"

namespace {

using kpi::pg::Decimal;
using kpi::pg::Sum;

constexpr int kScales = 19;  // powers of ten within 64 bits

struct Total {
    int64 value;  // * 10^scale
    int32_t scale;
};

// In front of either form, so that a group that stays small needs no more.
struct State {
    Total small;
    Sum *wide;  // null as long as `small` holds all
};

int64 power(int exponent) {
    int64 out = 1;
    for (int i = 0; i < exponent; ++i) out *= 10;
    return out;
}

// False when 64 bits do not hold the sum.
bool add_small(Total &total, const Decimal &value) {
    using ::int128;
    if (value.form != Decimal::Form::scaled && value.form != Decimal::Form::zero) return false;
    if (value.value > PG_INT64_MAX || value.value < PG_INT64_MIN) return false;
    if (value.scale >= kScales) return false;
    if (value.scale == total.scale)
        return !__builtin_add_overflow(total.value, int64(value.value), &total.value);
    const int32_t scale = Max(total.scale, value.scale);
    const int128 sum =
        int128(total.value) * power(scale - total.scale) + value.value * power(scale - value.scale);
    if (sum > PG_INT64_MAX || sum < PG_INT64_MIN) return false;
    total = {int64(sum), scale};
    return true;
}

void add_to(State *state, Datum numeric, MemoryContext home) {
    Decimal value = kpi::pg::from_numeric(numeric);
    if (state->wide == nullptr) {
        Total total = state->small;
        if (add_small(total, value)) {
            state->small = total;
            return;
        }
        state->wide = static_cast<Sum *>(MemoryContextAllocZero(home, sizeof(Sum)));
        state->wide->value = state->small.value;
        state->wide->scale = state->small.scale;
    }
    // A bad row when it is one row's; sums of good rows may be as large.
    if (value.form == Decimal::Form::too_large) {
        value.form = Decimal::Form::wide;
        value.numeric = PointerGetDatum(PG_DETOAST_DATUM(numeric));
    }
    kpi::pg::add(*state->wide, value, 1, home);
}

Datum special(const char *text) {
    return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
                               Int32GetDatum(-1));
}

Datum wide_total(const Sum &sum) {
    if (sum.nan > 0 || (sum.plus_infinity > 0 && sum.minus_infinity > 0)) return special("NaN");
    if (sum.plus_infinity > 0) return special("Infinity");
    if (sum.minus_infinity > 0) return special("-Infinity");
    bool null = false;
    const Datum total = kpi::pg::to_numeric(sum, &null);
    return null ? NumericGetDatum(int64_to_numeric(0)) : total;
}

}  // namespace

extern "C" {

PGDLLEXPORT Datum kpi_ext_total_add(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum kpi_ext_total(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(kpi_ext_total_add);
PG_FUNCTION_INFO_V1(kpi_ext_total);

Datum kpi_ext_total_add(PG_FUNCTION_ARGS) {
    MemoryContext home = nullptr;
    if (AggCheckCallContext(fcinfo, &home) == 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("kpi._total_add can only be called as an aggregate")));
    auto *state = PG_ARGISNULL(0) ? nullptr : reinterpret_cast<State *>(PG_GETARG_POINTER(0));
    if (PG_ARGISNULL(1)) {
        if (state == nullptr) PG_RETURN_NULL();
        PG_RETURN_POINTER(state);
    }
    if (state == nullptr) state = static_cast<State *>(MemoryContextAllocZero(home, sizeof(State)));
    add_to(state, PG_GETARG_DATUM(1), home);
    PG_RETURN_POINTER(state);
}

Datum kpi_ext_total(PG_FUNCTION_ARGS) {
    const auto *state = reinterpret_cast<State *>(PG_GETARG_POINTER(0));
    return state->wide != nullptr ? wide_total(*state->wide)
                                  : kpi::pg::scaled_numeric(state->small.value, state->small.scale);
}
}
