#include "engine/view/mutability.hpp"

#include "engine/view/view.hpp"

namespace kpi::capture {
namespace {

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

// IMMUTABLE in the catalog, but the text follows extra_float_digits or bytea_output.
bool is_mutable_text(Node *node) {
    if (!IsA(node, CoerceViaIO)) return false;
    auto *coerce = castNode(CoerceViaIO, node);
    switch (getBaseType(exprType(reinterpret_cast<Node *>(coerce->arg)))) {
        case FLOAT4OID:
        case FLOAT8OID:
        case BYTEAOID:
        case POINTOID:
        case LSEGOID:
        case PATHOID:
        case BOXOID:
        case POLYGONOID:
        case LINEOID:
        case CIRCLEOID:
            return is_text(coerce->resulttype);
        default:
            return false;
    }
}

bool function_is_mutable(Oid function, void *) {
    // quote_ident follows quote_all_identifiers.
    return func_volatile(function) != PROVOLATILE_IMMUTABLE || function == F_QUOTE_IDENT;
}

bool mutable_walker(Node *node, Node **found) {
    if (node == nullptr) return false;
    // Innermost first: it is the piece to mend.
    if (pg::walk_expression(node, mutable_walker, found)) return true;
    const bool special = IsA(node, SQLValueFunction) || IsA(node, NextValueExpr) ||
                         IsA(node, XmlExpr) || is_mutable_text(node);
    if (!special &&
        (let_through(node) || !check_functions_in_node(node, function_is_mutable, nullptr)))
        return false;
    *found = node;
    return true;
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

bool has_zone(Oid type) {
    const Oid base = getBaseType(type);
    return base == TIMESTAMPTZOID || base == TIMETZOID;
}

bool is_geometric(Oid type) {
    char category = 0;
    bool preferred = false;
    get_type_category_preferred(getBaseType(type), &category, &preferred);
    return category == TYPCATEGORY_GEOMETRIC;
}

bool is_clock(Oid type) {
    const Oid base = getBaseType(type);
    return has_zone(base) || base == TIMESTAMPOID || base == DATEOID || base == TIMEOID ||
           base == INTERVALOID;
}

constexpr const char *kNameZone =
    "Name the zone: (column AT TIME ZONE 'UTC') is immutable, and so is what is made of it.";
constexpr const char *kNoTime =
    "A fact must not depend on the time it is read: compare with now() in the query, not in the "
    "facts view.";
constexpr const char *kStoreIt =
    "Store the value in a column of the table, or leave it to the query that reads.";

const char *mend_of_value(SQLValueFunction *value) {
    return value->op <= SVFOP_LOCALTIMESTAMP_N ? kNoTime : kStoreIt;
}

// Conversions by text: what decides is which side follows a setting.
const char *mend_of_coercion(Oid from, Oid to) {
    if (has_zone(from) || has_zone(to)) return kNameZone;
    if (is_clock(to))
        return "Text is read as DateStyle says: build the value with make_date or make_timestamp, "
               "or store it in a column of its type.";
    if (is_clock(from))
        return "Its text follows DateStyle or IntervalStyle: take the column as it is, a dimension "
               "may be of such a type, or join the parts that extract() gives with ||.";
    if (to == REGCLASSOID || from == REGCLASSOID || to == REGTYPEOID || from == REGTYPEOID)
        return kStoreIt;
    if (from == CASHOID) return kStoreIt;
    if (from == POINTOID) return "Name its numbers instead: p[0] AS x, p[1] AS y.";
    if (is_geometric(from))
        return "Its text follows extra_float_digits: leave it out, or give the view a number made "
               "of "
               "it.";
    return "Its text follows settings of the session: take the column as it is, a dimension may be "
           "of any type that can be compared, or cast it to numeric or use encode().";
}

const char *mend_of_function(Oid function, Node *node) {
    const char *name = get_func_name(function);
    if (function >= FirstNormalObjectId)
        return "If the function's result depends on its arguments alone, declare it IMMUTABLE.";
    for (const char *joins : {"concat", "concat_ws", "format", "textanycat", "anytextcat"})
        if (strcmp(name, joins) == 0) return "Cast the parts to text and join them with ||.";
    for (const char *time : {"now", "statement_timestamp", "transaction_timestamp"})
        if (strcmp(name, time) == 0) return kNoTime;
    bool zone = has_zone(exprType(node));
    List *arguments = IsA(node, FuncExpr) ? castNode(FuncExpr, node)->args
                      : IsA(node, OpExpr) ? castNode(OpExpr, node)->args
                                          : NIL;
    ListCell *cell = nullptr;
    foreach (cell, arguments) zone |= has_zone(exprType(static_cast<Node *>(lfirst(cell))));
    if (zone) return kNameZone;
    if (strncmp(name, "to_", 3) == 0)
        return "Its text follows lc_time or lc_numeric: take the value as it is and format it when "
               "reading.";
    return kStoreIt;
}

const char *mend_of(Node *node) {
    switch (nodeTag(node)) {
        case T_SQLValueFunction:
            return mend_of_value(castNode(SQLValueFunction, node));
        case T_CoerceViaIO:
            return mend_of_coercion(
                getBaseType(exprType(reinterpret_cast<Node *>(castNode(CoerceViaIO, node)->arg))),
                getBaseType(exprType(node)));
        case T_FuncExpr:
            return mend_of_function(castNode(FuncExpr, node)->funcid, node);
        case T_OpExpr:
            set_opfuncid(castNode(OpExpr, node));
            return mend_of_function(castNode(OpExpr, node)->opfuncid, node);
        default:
            return kStoreIt;
    }
}

}  // namespace

MutablePiece find_mutable(Node *node, Oid view) {
    Node *found = nullptr;
    if (!mutable_walker(node, &found)) return {};
    const char *mend = mend_of(found);
    // Deparse over the base table, which the stored tree numbers as it likes.
    Oid base = view;
    Relation relation = relation_open(view, AccessShareLock);
    if (ViewExpressions *expressions = read_view(relation)) {
        base = expressions->base->relid;
        found = static_cast<Node *>(copyObjectImpl(found));
        ChangeVarNodes(found, int(expressions->varno), 1, 0);
    }
    relation_close(relation, AccessShareLock);
    List *context = deparse_context_for(get_rel_name(base), base);
    return {deparse_expression(found, context, false, false), mend};
}

const char *unpinned_function(Node *node) {
    Oid found = InvalidOid;
    if (!unpinned_walker(node, &found)) return nullptr;
    return format_procedure_qualified(found);
}

}  // namespace kpi::capture
