#include "pg/evaluator.hpp"

#include <fmt/format.h>

#include "pg/guard.hpp"

namespace kpi::pg {

struct EvaluatorState {
    ExprState *expression;
    ExprContext *context;
    ParamListInfo params;
};

namespace {

// The formula with $1, $2 ... in its holes.
std::string with_holes(const CompiledFormula &formula) {
    std::string out;
    for (size_t i = 0; i < formula.operands.size(); ++i)
        out += fmt::format("{}${}", formula.pieces[i], formula.operands[i] + 1);
    return out + formula.pieces.back();
}

Node *numeric_param(ParseState *, ParamRef *reference) {
    Param *param = makeNode(Param);
    param->paramkind = PARAM_EXTERN;
    param->paramid = reference->number;
    param->paramtype = NUMERICOID;
    param->paramtypmod = -1;
    param->location = reference->location;
    return reinterpret_cast<Node *>(param);
}

Expr *analyze(const char *text) {
    List *statements = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
    auto *select = reinterpret_cast<SelectStmt *>(linitial_node(RawStmt, statements)->stmt);
    ParseState *state = make_parsestate(nullptr);
    state->p_sourcetext = text;
    state->p_paramref_hook = numeric_param;
    Node *value = transformExpr(state, linitial_node(ResTarget, select->targetList)->val,
                                EXPR_KIND_SELECT_TARGET);
    value = coerce_to_target_type(state, value, exprType(value), NUMERICOID, -1,
                                  COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
    assign_expr_collations(state, value);
    return expression_planner(reinterpret_cast<Expr *>(value));
}

}  // namespace

Evaluator::Evaluator(const CompiledFormula &formula, size_t count) {
    if (formula.operands.size() == 1 && formula.pieces[0].empty() && formula.pieces[1].empty()) {
        only_ = size_t(formula.operands[0]);
        return;
    }
    const std::string sql = with_holes(formula);
    const char *text = sql.c_str();
    state_ = call([&] {
        auto *state = static_cast<EvaluatorState *>(palloc0(sizeof(EvaluatorState)));
        state->params = makeParamList(int(count));
        for (size_t i = 0; i < count; ++i) {
            state->params->params[i].ptype = NUMERICOID;
            state->params->params[i].pflags = PARAM_FLAG_CONST;
            state->params->params[i].isnull = false;
        }
        state->expression = ExecInitExprWithParams(analyze(text), state->params);
        state->context = CreateStandaloneExprContext();
        state->context->ecxt_param_list_info = state->params;
        return state;
    });
}

Number Evaluator::operator()(const std::vector<Number> &operands) const {
    if (state_ == nullptr) return operands[only_];
    return {call([&]() -> Datum {
        CHECK_FOR_INTERRUPTS();
        for (size_t i = 0; i < operands.size(); ++i)
            state_->params->params[i].value = operands[i].datum;
        bool null = false;
        const Datum value = ExecEvalExprSwitchContext(state_->expression, state_->context, &null);
        const Datum copy = null ? Datum(0) : datumCopy(value, false, -1);
        ResetExprContext(state_->context);
        return copy;
    })};
}

}  // namespace kpi::pg
