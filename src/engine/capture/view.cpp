#include "engine/capture/view.hpp"

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

bool user_function_walker(Node *node, void *context) {
    if (node == nullptr) return false;
    if (check_functions_in_node(node, is_user_function, context)) return true;
    return pg::walk_expression(node, user_function_walker, context);
}

bool is_text(Oid type) {
    char category = 0;
    bool preferred = false;
    get_type_category_preferred(getBaseType(type), &category, &preferred);
    return category == TYPCATEGORY_STRING || category == TYPCATEGORY_UNKNOWN;
}

bool all_text(List *arguments) {
    ListCell *cell = nullptr;
    foreach (cell, arguments) {
        auto *argument = static_cast<Node *>(lfirst(cell));
        if (IsA(argument, ArrayExpr) || !is_text(exprType(argument))) return false;
    }
    return true;
}

// STABLE in the catalog only because other argument types depend on settings.
bool let_through(Node *node) {
    if (IsA(node, CoerceViaIO)) {
        auto *coerce = castNode(CoerceViaIO, node);
        return type_is_enum(getBaseType(exprType(reinterpret_cast<Node *>(coerce->arg)))) &&
               is_text(coerce->resulttype);
    }
    if (IsA(node, FuncExpr)) {
        auto *function = castNode(FuncExpr, node);
        return (function->funcid == F_CONCAT || function->funcid == F_CONCAT_WS) &&
               all_text(function->args);
    }
    if (IsA(node, OpExpr)) {
        auto *op = castNode(OpExpr, node);
        set_opfuncid(op);
        return (op->opfuncid == F_TEXTANYCAT || op->opfuncid == F_ANYTEXTCAT) && all_text(op->args);
    }
    return false;
}

bool function_is_mutable(Oid function, void *) {
    return func_volatile(function) != PROVOLATILE_IMMUTABLE;
}

bool mutable_walker(Node *node, Node **found) {
    if (node == nullptr) return false;
    const bool special =
        IsA(node, SQLValueFunction) || IsA(node, NextValueExpr) || IsA(node, XmlExpr);
    if (special ||
        (!let_through(node) && check_functions_in_node(node, function_is_mutable, nullptr))) {
        *found = node;
        return true;
    }
    return pg::walk_expression(node, mutable_walker, found);
}

bool is_unpinned(Oid function, void *found) {
    if (function < FirstNormalObjectId) return false;
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) return false;
    auto *proc = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    bool no_body = true, no_config = true;
    (void)SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &no_body);
    const Datum config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &no_config);
    bool pinned = proc->prolang == ClanguageId || proc->prolang == INTERNALlanguageId || !no_body;
    if (!no_config) {
        Datum *settings = nullptr;
        int count = 0;
        deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings,
                          nullptr, &count);
        for (int i = 0; i < count; ++i) {
            char *setting = text_to_cstring(DatumGetTextPP(settings[i]));
            pinned |= strncmp(setting, "search_path=", 12) == 0;
        }
    }
    ReleaseSysCache(tuple);
    if (!pinned) *static_cast<Oid *>(found) = function;
    return !pinned;
}

bool unpinned_walker(Node *node, Oid *found) {
    if (node == nullptr) return false;
    if (check_functions_in_node(node, is_unpinned, found)) return true;
    return pg::walk_expression(node, unpinned_walker, found);
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

const char *mutable_piece(Node *node, Oid view) {
    Node *found = nullptr;
    if (!mutable_walker(node, &found)) return nullptr;
    // Deparse over the base table, which the stored tree numbers as it likes.
    Oid base = view;
    Relation relation = relation_open(view, AccessShareLock);
    if (ViewExpressions *expressions = read_view(relation)) {
        base = expressions->base->relid;
        found = static_cast<Node *>(copyObjectImpl(found));
        ChangeVarNodes(found, int(expressions->varno), 1, 0);
    }
    relation_close(relation, AccessShareLock);
    return deparse_expression(found, deparse_context_for(get_rel_name(base), base), false, false);
}

const char *unpinned_function(Node *node) {
    Oid found = InvalidOid;
    if (!unpinned_walker(node, &found)) return nullptr;
    return format_procedure_qualified(found);
}

}  // namespace kpi::capture
