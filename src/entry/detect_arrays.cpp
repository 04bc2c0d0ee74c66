// Detection over whole arrays: kpi.bh, kpi.stl, kpi.level_shifts, and the days of a country's
// holidays.
#include <cmath>

#include "detect/holidays.hpp"
#include "detect/segments.hpp"
#include "detect/shifts.hpp"
#include "detect/stl.hpp"
#include "pg/function.hpp"
#include "pg/guard.hpp"

namespace {

constexpr int64_t kDaysTo2000 = 10957;  // PostgreSQL counts from 2000, detect/ from 1970

struct Elements {
    Datum *values = nullptr;
    bool *nulls = nullptr;
    int count = 0;
};

Elements elements_of(FunctionCallInfo fcinfo, int index, Oid type) {
    Elements e;
    kpi::pg::call([&] {
        ArrayType *array = PG_GETARG_ARRAYTYPE_P(index);
        deconstruct_array(array, type, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &e.values, &e.nulls,
                          &e.count);
    });
    return e;
}

// NULL elements become NaN.
std::vector<double> numbers_of(FunctionCallInfo fcinfo, int index) {
    const Elements e = elements_of(fcinfo, index, FLOAT8OID);
    std::vector<double> out;
    out.reserve(size_t(e.count));
    for (int i = 0; i < e.count; ++i) {
        out.push_back(e.nulls[i] ? std::nan("") : DatumGetFloat8(e.values[i]));
    }
    return out;
}

}  // namespace

KPI_FUNCTION(bh) {
    const std::vector<bool> flags =
        kpi::detect::benjamini_hochberg(numbers_of(fcinfo, 0), PG_GETARG_FLOAT8(1));
    const int count = static_cast<int>(flags.size());
    auto *datums = static_cast<Datum *>(
        kpi::pg::call([&] { return palloc(sizeof(Datum) * static_cast<Size>(count + 1)); }));
    for (int i = 0; i < count; ++i) datums[i] = BoolGetDatum(flags[static_cast<std::size_t>(i)]);
    return kpi::pg::call([&] {
        return PointerGetDatum(construct_array(datums, count, BOOLOID, 1, true, TYPALIGN_CHAR));
    });
}

KPI_FUNCTION(stl) {
    kpi::pg::ResultSet result(fcinfo);
    const auto fit = PG_GETARG_BOOL(2) ? kpi::detect::Fit::robust : kpi::detect::Fit::plain;
    const auto d = kpi::detect::stl(numbers_of(fcinfo, 0), PG_GETARG_INT32(1), fit);
    for (std::size_t i = 0; i < d.trend.size(); ++i) {
        Datum values[] = {Int32GetDatum(static_cast<int>(i) + 1), Float8GetDatum(d.trend[i]),
                          Float8GetDatum(d.seasonal[i]), Float8GetDatum(d.remainder[i])};
        bool nulls[] = {false, false, false, !std::isfinite(d.remainder[i])};
        result.append(values, nulls);
    }
    return Datum{0};
}

KPI_FUNCTION(level_shifts) {
    kpi::pg::ResultSet result(fcinfo);
    const Elements at = elements_of(fcinfo, 0, TIMESTAMPTZOID);
    const std::vector<double> numbers = numbers_of(fcinfo, 1);
    if (static_cast<std::size_t>(at.count) != numbers.size()) {
        throw kpi::Error("22023", "at and values must have the same number of elements");
    }
    for (const auto &shift : kpi::detect::level_shifts(numbers)) {
        Datum values[] = {at.values[shift.index], Float8GetDatum(shift.before),
                          Float8GetDatum(shift.after), Float8GetDatum(shift.size)};
        bool nulls[] = {at.nulls[shift.index], false, false, false};
        result.append(values, nulls);
    }
    return Datum{0};
}

KPI_FUNCTION(holidays) {
    kpi::pg::ResultSet result(fcinfo);
    const std::string country = kpi::pg::text_argument(fcinfo, 0);
    for (const auto &holiday : kpi::detect::holidays(country, PG_GETARG_INT32(1))) {
        Datum values[] = {DateADTGetDatum(static_cast<DateADT>(holiday.day - kDaysTo2000)),
                          kpi::pg::text_datum(holiday.name)};
        bool nulls[] = {false, false};
        result.append(values, nulls);
    }
    return Datum{0};
}
