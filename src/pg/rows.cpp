#include "pg/rows.hpp"

#include <array>

#include "pg/guard.hpp"
#include "pg/run.hpp"

namespace kpi::pg {
namespace {

struct Elements {
    Datum *values = nullptr;
    bool *nulls = nullptr;
    int count = 0;
};

Elements elements(const Value &array, Oid type, int size, bool by_value, char align) {
    Elements out;
    if (array.null) return out;
    call([&] {
        CHECK_FOR_INTERRUPTS();  // a million segments are taken apart without a statement between
        deconstruct_array(DatumGetArrayTypeP(array.datum), type, size, by_value, align, &out.values,
                          &out.nulls, &out.count);
    });
    return out;
}

void release(const Elements &elements) {
    if (elements.values == nullptr) return;
    pfree(elements.values);
    pfree(elements.nulls);
}

constexpr size_t kMostColumns = 64;

}  // namespace

Value::Value(bool value) : datum(BoolGetDatum(value)), null(false) {}
Value::Value(double value) : datum(Float8GetDatum(value)), null(false) {}
Value::Value(Date value) : datum(DateADTGetDatum(value.days)), null(false) {}
Value::Value(Timestamp value) : datum(TimestampTzGetDatum(value.microseconds)), null(false) {}

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

Rows::Rows(std::string_view sql, const Params &params, const Options &options) {
    size_ = size_t(run(sql, params, options));
    table_ = SPI_tuptable;
    if (table_ == nullptr) size_ = 0;
}

Value Rows::value(size_t row, int column) const {
    Value out;
    out.datum = call(
        [&] { return SPI_getbinval(table_->vals[row], table_->tupdesc, column + 1, &out.null); });
    return out;
}

std::vector<Number> Rows::numbers(size_t row, int column) const {
    const Elements found = elements(value(row, column), NUMERICOID, -1, false, TYPALIGN_INT);
    std::vector<Number> out(size_t(found.count));
    for (size_t i = 0; i < out.size(); ++i)
        if (!found.nulls[i]) out[i] = {found.values[i]};
    release(found);
    return out;
}

std::vector<int32_t> Rows::integers(size_t row, int column) const {
    const Elements found = elements(value(row, column), INT4OID, 4, true, TYPALIGN_INT);
    std::vector<int32_t> out(size_t(found.count));
    for (size_t i = 0; i < out.size(); ++i) out[i] = DatumGetInt32(found.values[i]);
    release(found);
    return out;
}

std::vector<bool> Rows::booleans(size_t row, int column) const {
    const Elements found = elements(value(row, column), BOOLOID, 1, true, TYPALIGN_CHAR);
    std::vector<bool> out(size_t(found.count));
    for (size_t i = 0; i < out.size(); ++i) out[i] = DatumGetBool(found.values[i]);
    release(found);
    return out;
}

void append(ResultSet &out, const std::vector<Value> &row) {
    if (row.size() > kMostColumns) throw Error("XX000", "too many columns");
    std::array<Datum, kMostColumns> values;
    std::array<bool, kMostColumns> nulls;
    for (size_t i = 0; i < row.size(); ++i) {
        values[i] = row[i].datum;
        nulls[i] = row[i].null;
    }
    call([] { CHECK_FOR_INTERRUPTS(); });
    out.append(values.data(), nulls.data());
}

}  // namespace kpi::pg
