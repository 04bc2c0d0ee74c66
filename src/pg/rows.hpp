// Values as PostgreSQL holds them, and rows of a set-returning function made from them. They live
// until the Spi ends.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/table.hpp"
#include "pg/number.hpp"
#include "pg/sql.hpp"

namespace kpi::pg {

// A value of some type for a row, or NULL.
struct Value {
    uintptr_t datum = 0;
    bool null = true;

    Value() = default;
    explicit Value(Number number) : datum(number.datum), null(!number) {}
    explicit Value(bool value);
    explicit Value(double value);
    explicit Value(Date value);
    explicit Value(Timestamp value);
};
Value integer_value(int32_t number);
Value bigint_value(int64_t number);
Value interval_value(int64_t microseconds);  // in days of 24 hours, and hours
Value text_value(const std::string &text);
Value jsonb_value(const std::string &text);
std::string jsonb_text(Value value);
// Its content as it is in memory: the same for values that were made in the same way.
std::string jsonb_bytes(Value value);

// The first cell of the first row, a bytea, as it is; nullopt for no row or NULL.
std::optional<std::string> bytes_value(std::string_view sql, const Params &params,
                                       const Options &options);

// One row of a set-returning function.
void append(ResultSet &out, std::initializer_list<Value> row);

}  // namespace kpi::pg
