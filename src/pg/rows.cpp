#include "pg/rows.hpp"

#include <array>

#include "pg/guard.hpp"
#include "pg/run.hpp"

namespace kpi::pg {
namespace {

constexpr size_t kMostColumns = 64;

}  // namespace

Value::Value(bool value) : datum(BoolGetDatum(value)), null(false) {}
Value::Value(double value) : datum(Float8GetDatum(value)), null(false) {}
Value::Value(Date value) : datum(DateADTGetDatum(value.days)), null(false) {}
Value::Value(Timestamp value) : datum(TimestampTzGetDatum(value.microseconds)), null(false) {}

Value integer_value(int32_t number) {
    Value out;
    out.datum = Int32GetDatum(number);
    out.null = false;
    return out;
}

Value bigint_value(int64_t number) {
    Value out;
    out.datum = Int64GetDatum(number);
    out.null = false;
    return out;
}

Value interval_value(int64_t microseconds) {
    Value out;
    out.datum = call([&] {
        auto *interval = static_cast<Interval *>(palloc0(sizeof(Interval)));
        interval->day = int32(microseconds / USECS_PER_DAY);
        interval->time = microseconds % USECS_PER_DAY;
        return IntervalPGetDatum(interval);
    });
    out.null = false;
    return out;
}

Value text_value(const std::string &text) {
    const char *characters = text.data();
    const int length = int(text.size());
    Value out;
    out.datum = call([&] { return PointerGetDatum(cstring_to_text_with_len(characters, length)); });
    out.null = false;
    return out;
}

Value jsonb_value(const std::string &text) {
    const char *characters = text.c_str();
    Value out;
    out.datum = call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(characters)); });
    out.null = false;
    return out;
}

std::string jsonb_text(Value value) {
    char *text = call([&] { return DatumGetCString(DirectFunctionCall1(jsonb_out, value.datum)); });
    std::string out(text);
    pfree(text);
    return out;
}

std::string jsonb_bytes(Value value) {
    const bytea *found = call([&] { return DatumGetByteaPP(value.datum); });
    return std::string(VARDATA_ANY(found), VARSIZE_ANY_EXHDR(found));
}

std::optional<std::string> bytes_value(std::string_view sql, const Params &params,
                                       const Options &options) {
    if (run(sql, params, options) == 0 || SPI_tuptable == nullptr) return std::nullopt;
    bool null = true;
    const bytea *found = call([&]() -> const bytea * {
        const Datum cell = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null);
        return null ? nullptr : DatumGetByteaPP(cell);
    });
    if (found == nullptr) return std::nullopt;
    return std::string(VARDATA_ANY(found), VARSIZE_ANY_EXHDR(found));
}

void append(ResultSet &out, std::initializer_list<Value> row) {
    if (row.size() > kMostColumns) throw Error("XX000", "too many columns");
    std::array<Datum, kMostColumns> values;
    std::array<bool, kMostColumns> nulls;
    size_t i = 0;
    for (const Value &value : row) {
        values[i] = value.datum;
        nulls[i++] = value.null;
    }
    out.append(values.data(), nulls.data());
}

}  // namespace kpi::pg
