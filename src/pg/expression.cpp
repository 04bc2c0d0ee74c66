#include "pg/expression.hpp"

#include "pg/guard.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {

struct ExpressionState {
    ExprState *expression;
    ExprContext *context;
    ParamListInfo params;
    int16 length;
    bool by_value;
};

namespace {

Node *operand(ParseState *state, ParamRef *reference) {
    const auto *params = static_cast<const ParamListInfoData *>(state->p_ref_hook_state);
    if (reference->number < 1 || reference->number > params->numParams)
        elog(ERROR, "expression has no operand %d", reference->number);
    auto *param = reinterpret_cast<::Param *>(newNode(sizeof(::Param), T_Param));
    param->paramkind = PARAM_EXTERN;
    param->paramid = reference->number;
    param->paramtype = params->params[reference->number - 1].ptype;
    param->paramtypmod = -1;
    param->paramcollid = get_typcollation(param->paramtype);
    param->location = reference->location;
    return reinterpret_cast<Node *>(param);
}

Expr *analyze(const char *text, ParamListInfo params, Oid result) {
    List *statements = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
    auto *select = reinterpret_cast<SelectStmt *>(linitial_node(RawStmt, statements)->stmt);
    ParseState *state = make_parsestate(nullptr);
    state->p_sourcetext = text;
    state->p_paramref_hook = operand;
    state->p_ref_hook_state = params;
    Node *value = transformExpr(state, linitial_node(ResTarget, select->targetList)->val,
                                EXPR_KIND_SELECT_TARGET);
    if (OidIsValid(result))
        value = coerce_to_target_type(state, value, exprType(value), result, -1,
                                      COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
    assign_expr_collations(state, value);
    return expression_planner(reinterpret_cast<Expr *>(value));
}

}  // namespace

Expression::Expression(const std::string &sql, const std::vector<ObjectId> &types,
                       ObjectId result) {
    const char *text = sql.c_str();
    state_ = call([&] {
        auto *state = static_cast<ExpressionState *>(palloc0(sizeof(ExpressionState)));
        state->params = makeParamList(int(types.size()));
        for (size_t i = 0; i < types.size(); ++i) {
            state->params->params[i].ptype = types[i].value;
            state->params->params[i].pflags = PARAM_FLAG_CONST;
        }
        Expr *expression = analyze(text, state->params, result.value);
        get_typlenbyval(exprType(reinterpret_cast<Node *>(expression)), &state->length,
                        &state->by_value);
        state->expression = ExecInitExprWithParams(expression, state->params);
        state->context = CreateStandaloneExprContext();
        state->context->ecxt_param_list_info = state->params;
        return state;
    });
}

uintptr_t Expression::evaluate(const uintptr_t *operands, const bool *nulls,
                               MemoryContextData *home) const {
    return call([&]() -> Datum {
        CHECK_FOR_INTERRUPTS();
        for (int i = 0; i < state_->params->numParams; ++i) {
            state_->params->params[i].value = operands[i];
            state_->params->params[i].isnull = nulls != nullptr && nulls[i];
        }
        bool null = false;
        const Datum value = ExecEvalExprSwitchContext(state_->expression, state_->context, &null);
        MemoryContext old = MemoryContextSwitchTo(home);
        const Datum copy = null ? Datum(0) : datumCopy(value, state_->by_value, state_->length);
        MemoryContextSwitchTo(old);
        ResetExprContext(state_->context);
        return copy;
    });
}

}  // namespace kpi::pg
