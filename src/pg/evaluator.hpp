// A compiled formula that is evaluated again and again (expression.hpp). Lives no longer than the
// open Spi.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "pg/expression.hpp"
#include "pg/formula.hpp"
#include "pg/number.hpp"

namespace kpi::pg {

class Evaluator {
public:
    // `count`: how many operands the formula's indexes refer to.
    Evaluator(const CompiledFormula &formula, size_t count);
    // Of as many operands as were announced. Errors: the formula's own.
    Number operator()(const std::vector<Number> &operands) const;

private:
    std::unique_ptr<bool[]> nulls_;         // of the operands at hand
    std::optional<Expression> expression_;  // none: the formula is operand `only_`
    size_t only_ = 0;
};

}  // namespace kpi::pg
