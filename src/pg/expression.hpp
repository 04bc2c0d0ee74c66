// A scalar SQL expression over $1, $2 ... that is evaluated again and again: prepared once, no
// statement per value. Names resolve by the search_path of when it is made. Functions in it run
// with the rights of the role that is current when it is made and called. Answers a cancel between
// two values. Lives no longer than the open Spi.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/table.hpp"

struct MemoryContextData;

namespace kpi::pg {

struct ExpressionState;

class Expression {
public:
    // `types` of the operands. `result`: the type that it is cast to, as an assignment would;
    // 0: its own.
    Expression(const std::string &sql, const std::vector<ObjectId> &types, ObjectId result = {});
    // Datums; NULL when `nulls` says so. What comes out is copied to `home`. 0: NULL. Errors: those
    // of the functions in it.
    uintptr_t evaluate(const uintptr_t *operands, const bool *nulls, MemoryContextData *home) const;

private:
    ExpressionState *state_;
};

}  // namespace kpi::pg
