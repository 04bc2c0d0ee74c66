#include "pg/evaluator.hpp"

#include <fmt/format.h>

#include "pg/prelude.hpp"

namespace kpi::pg {
namespace {

// The formula with $1, $2 ... in its holes.
std::string with_holes(const CompiledFormula &formula) {
    std::string out;
    for (size_t i = 0; i < formula.operands.size(); ++i)
        out += fmt::format("{}${}", formula.pieces[i], formula.operands[i] + 1);
    return out + formula.pieces.back();
}

}  // namespace

Evaluator::Evaluator(const CompiledFormula &formula, size_t count)
    : nulls_(std::make_unique<bool[]>(count)) {
    if (formula.operands.size() == 1 && formula.pieces[0].empty() && formula.pieces[1].empty())
        only_ = size_t(formula.operands[0]);
    else
        expression_.emplace(with_holes(formula), std::vector<ObjectId>(count, {NUMERICOID}),
                            ObjectId{NUMERICOID});
}

Number Evaluator::operator()(const std::vector<Number> &operands) const {
    if (!expression_) return operands[only_];
    static_assert(sizeof(Number) == sizeof(Datum), "numbers are passed as the datums they are");
    for (size_t i = 0; i < operands.size(); ++i) nulls_[i] = !operands[i];
    return {expression_->evaluate(&operands.data()->datum, nulls_.get(), CurrentMemoryContext)};
}

}  // namespace kpi::pg
