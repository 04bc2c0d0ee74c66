// Rows of a statement as PostgreSQL holds them, for results of arrays that would be slow as text,
// and rows of a set-returning function made from such values. Lives until the Spi ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "pg/number.hpp"
#include "pg/sql.hpp"

struct SPITupleTable;

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
Value text_value(const std::string &text);
Value jsonb_value(const std::string &text);
std::string jsonb_text(Value value);

class Rows {
public:
    Rows(std::string_view sql, const Params &params, const Options &options);
    size_t size() const { return size_; }
    Value value(size_t row, int column) const;
    // Elements of an array of the type; NULL elements of numeric[] are NULL numbers, others are not
    // allowed.
    std::vector<Number> numbers(size_t row, int column) const;
    std::vector<int32_t> integers(size_t row, int column) const;
    std::vector<bool> booleans(size_t row, int column) const;

private:
    SPITupleTable *table_ = nullptr;
    size_t size_ = 0;
};

// One row of a set-returning function.
void append(ResultSet &out, const std::vector<Value> &row);

}  // namespace kpi::pg
