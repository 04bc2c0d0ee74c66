#include "pg/number.hpp"

#include <limits>

#include "pg/guard.hpp"

namespace kpi::pg {

namespace {

// Whole answers are summed, divided and sorted number by number.
Datum computed(PGFunction function, Number a, Number b) {
    return call([&] {
        CHECK_FOR_INTERRUPTS();
        return DirectFunctionCall2(function, a.datum, b.datum);
    });
}

}  // namespace

Number number(int64_t value) {
    return {call([&] { return NumericGetDatum(int64_to_numeric(value)); })};
}

Number from_double(double value) {
    return {call([&] { return DirectFunctionCall1(float8_numeric, Float8GetDatum(value)); })};
}

std::optional<std::string> text(Number number) {
    if (!number) return std::nullopt;
    char *digits =
        call([&] { return DatumGetCString(DirectFunctionCall1(numeric_out, number.datum)); });
    std::string out(digits);
    pfree(digits);
    return out;
}

double as_double(Number number) {
    if (!number) return std::numeric_limits<double>::quiet_NaN();
    return call([&] {
        return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, number.datum));
    });
}

Number sum(Number a, Number b) { return {computed(numeric_add, a, b)}; }

Number difference(Number a, Number b) { return {computed(numeric_sub, a, b)}; }

Number quotient(Number a, Number b) { return {computed(numeric_div, a, b)}; }

int compare(Number a, Number b) { return DatumGetInt32(computed(numeric_cmp, a, b)); }

Number mean(Number a, Number b) {
    return {call([&] {
        const Datum both = DirectFunctionCall2(numeric_add, a.datum, b.datum);
        const Datum half =
            DirectFunctionCall2(numeric_div, both, NumericGetDatum(int64_to_numeric(2)));
        return DirectFunctionCall1(numeric_trim_scale, half);
    })};
}

Number percent(int64_t part, int64_t whole) {
    if (whole == 0) return {};
    return {call([&] {
        const Datum share =
            DirectFunctionCall2(numeric_div, NumericGetDatum(int64_to_numeric(part * 100)),
                                NumericGetDatum(int64_to_numeric(whole)));
        return DirectFunctionCall2(numeric_round, share, Int32GetDatum(2));
    })};
}

}  // namespace kpi::pg
