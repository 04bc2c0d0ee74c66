// A compiled formula as an expression that is evaluated again and again: prepared once, no SQL
// statement per value. Functions in it run with the rights of the role that is current when it is
// made and called. Answers a cancel between two values. Lives no longer than the open Spi.
#pragma once

#include <vector>

#include "pg/formula.hpp"
#include "pg/number.hpp"

namespace kpi::pg {

struct EvaluatorState;

class Evaluator {
public:
    // `count`: how many operands the formula's indexes refer to.
    Evaluator(const CompiledFormula &formula, size_t count);
    // Of as many operands as were announced, none of them NULL. Errors: the formula's own.
    Number operator()(const std::vector<Number> &operands) const;

private:
    EvaluatorState *state_ = nullptr;  // nullptr: the formula is operand `only_`
    size_t only_ = 0;
};

}  // namespace kpi::pg
