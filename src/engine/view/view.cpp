#include "engine/view/view.hpp"

namespace kpi::capture {
namespace {

// Built-in functions that raise for no input, beside those PostgreSQL marks leakproof.
constexpr Oid kHarmless[] = {
    F_INT4_BOOL,    F_INT4_INT2,  F_INT8_INT2,  F_INT8_INT4,  F_NUMERIC_INT2, F_NUMERIC_INT4,
    F_NUMERIC_INT8, F_NUMERIC_EQ, F_NUMERIC_NE, F_NUMERIC_LT, F_NUMERIC_LE,   F_NUMERIC_GT,
    F_NUMERIC_GE,   F_ENUM_EQ,    F_ENUM_NE,    F_TEXT_LT,    F_TEXT_LE,      F_TEXT_GT,
    F_TEXT_GE,      F_BPCHAREQ,   F_BPCHARNE,   F_LOWER_TEXT, F_UPPER_TEXT,   F_BTRIM_TEXT,
    F_LTRIM_TEXT,   F_RTRIM_TEXT,
};

bool function_can_raise(Oid function, void *) {
    if (get_func_leakproof(function)) return false;
    for (const Oid harmless : kHarmless)
        if (harmless == function) return false;
    return true;
}

bool can_raise_walker(Node *node, void *context) {
    if (node == nullptr) return false;
    switch (nodeTag(node)) {
        case T_List:
        case T_Var:
        case T_Const:
        case T_FuncExpr:
        case T_OpExpr:
        case T_DistinctExpr:
        case T_NullIfExpr:
        case T_ScalarArrayOpExpr:
        case T_BoolExpr:
        case T_RelabelType:
        case T_CaseExpr:
        case T_CaseWhen:
        case T_CaseTestExpr:
        case T_CoalesceExpr:
        case T_NullTest:
        case T_BooleanTest:
            break;
        default:
            return true;
    }
    if (check_functions_in_node(node, function_can_raise, context)) return true;
    return pg::walk_expression(node, can_raise_walker, context);
}

bool is_user_function(Oid function, void *) { return function >= FirstNormalObjectId; }

// Built-in functions over arrays, ranges and rows of such a type call its own.
bool is_user_type(Oid type) {
    const Oid element = get_element_type(type);
    const Oid base = getBaseType(OidIsValid(element) ? element : type);
    return base >= FirstNormalObjectId && !type_is_enum(base);
}

bool user_function_walker(Node *node, void *context) {
    if (node == nullptr) return false;
    switch (nodeTag(node)) {
        case T_CoerceToDomain:
            return true;
        case T_Var:
        case T_Const:
        case T_FuncExpr:
        case T_OpExpr:
        case T_RelabelType:
        case T_CoerceViaIO:
        case T_ArrayCoerceExpr:
        case T_ArrayExpr:
        case T_RowExpr:
        case T_FieldSelect:
            if (is_user_type(exprType(node))) return true;
            break;
        default:
            break;
    }
    if (check_functions_in_node(node, is_user_function, context)) return true;
    return pg::walk_expression(node, user_function_walker, context);
}

}  // namespace

ViewExpressions *read_view(Relation view) {
    if (view->rd_rel->relkind != RELKIND_VIEW) return nullptr;
    auto *query = static_cast<Query *>(copyObjectImpl(get_view_query(view)));
    if (query->setOperations != nullptr || query->cteList != NIL || query->jointree == nullptr ||
        list_length(query->jointree->fromlist) != 1)
        return nullptr;
    auto *reference = static_cast<Node *>(linitial(query->jointree->fromlist));
    if (!IsA(reference, RangeTblRef)) return nullptr;
    auto *out = static_cast<ViewExpressions *>(palloc0(sizeof(ViewExpressions)));
    out->query = query;
    out->varno = Index(castNode(RangeTblRef, reference)->rtindex);
    out->base = rt_fetch(out->varno, query->rtable);
    out->quals = query->jointree->quals;
    return out->base->rtekind == RTE_RELATION ? out : nullptr;
}

Expr *column_expression(Relation view, const ViewExpressions *expressions, const char *name) {
    const AttrNumber number = get_attnum(RelationGetRelid(view), name);
    if (number <= 0) return nullptr;
    ListCell *cell = nullptr;
    foreach (cell, expressions->query->targetList) {
        auto *entry = lfirst_node(TargetEntry, cell);
        if (entry->resno == number && !entry->resjunk) return entry->expr;
    }
    return nullptr;
}

Expr *plan_expression(Node *node) {
    return expression_planner(static_cast<Expr *>(copyObjectImpl(node)));
}

bool can_raise(Node *node) { return can_raise_walker(node, nullptr); }
bool calls_user_functions(Node *node) { return user_function_walker(node, nullptr); }

}  // namespace kpi::capture
