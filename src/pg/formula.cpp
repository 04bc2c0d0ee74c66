#include "pg/formula.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pg/formula_call.hpp"
#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

// What a walk over a tree found to refuse. Walkers run inside PostgreSQL's frames: they report, the
// caller throws.
struct Finding {
    const char *what = nullptr;
    int location = -1;
    Oid function = InvalidOid;
};

struct RawWalk {
    List *names = NIL;   // ColumnRef, unqualified
    List *params = NIL;  // ParamRef
    List *calls = NIL;   // FuncCall, of a function that reads a name
    Finding refused;
};

bool refuse(Finding *finding, const char *what, int location, Oid function = InvalidOid) {
    *finding = Finding{what, location, function};
    return true;
}

bool walk_raw(Node *node, RawWalk *walk) {
    if (node == nullptr) return false;
    if (IsA(node, ColumnRef)) {
        auto *reference = reinterpret_cast<ColumnRef *>(node);
        if (plain_name(reference) == nullptr)
            return refuse(&walk->refused, "a qualified name or *", reference->location);
        walk->names = lappend(walk->names, reference);
        return false;
    }
    if (IsA(node, ParamRef)) {
        walk->params = lappend(walk->params, node);
        return false;
    }
    if (IsA(node, SubLink))
        return refuse(&walk->refused, "a subquery", reinterpret_cast<SubLink *>(node)->location);
    if (IsA(node, GroupingFunc)) return refuse(&walk->refused, "grouping()", exprLocation(node));
    if (IsA(node, SetToDefault)) return refuse(&walk->refused, "DEFAULT", exprLocation(node));
    if (IsA(node, FuncCall)) {
        auto *call = reinterpret_cast<FuncCall *>(node);
        if (call->over != nullptr)
            return refuse(&walk->refused, "a window function", call->location);
        if (call->agg_star || call->agg_distinct || call->agg_within_group ||
            call->agg_filter != nullptr || call->agg_order != NIL)
            return refuse(&walk->refused, "an aggregate", call->location);
        if (reads_a_name(call)) walk->calls = lappend(walk->calls, call);
    }
    return walk_raw_expression(node, walk_raw, walk);
}

// NULLIF(divisor, 0), unless it is a constant that is not 0.
Node *guarded(Node *divisor, int location) {
    double number = 0;
    if (IsA(divisor, A_Const) && literal_number(reinterpret_cast<A_Const *>(divisor), &number) &&
        number != 0)
        return divisor;
    auto *zero = reinterpret_cast<Node *>(zero_literal());
    return reinterpret_cast<Node *>(
        makeSimpleA_Expr(AEXPR_NULLIF, pstrdup("="), divisor, zero, location));
}

bool is_named(List *qualified, const char *a, const char *b) {
    const char *last = strVal(llast(qualified));
    return strcmp(last, a) == 0 || strcmp(last, b) == 0;
}

// Changes the raw tree in place.
bool guard_divisions(Node *node, void *context) {
    if (node == nullptr) return false;
    if (IsA(node, A_Expr)) {
        auto *expression = reinterpret_cast<A_Expr *>(node);
        if (expression->kind == AEXPR_OP && expression->lexpr != nullptr &&
            is_named(expression->name, "/", "%"))
            expression->rexpr = guarded(expression->rexpr, expression->location);
    } else if (IsA(node, FuncCall)) {
        auto *call = reinterpret_cast<FuncCall *>(node);
        if (list_length(call->args) == 2 && is_named(call->funcname, "div", "mod"))
            lsecond(call->args) = guarded(static_cast<Node *>(lsecond(call->args)), call->location);
    }
    return walk_raw_expression(node, guard_divisions, context);
}

bool is_mutable(Oid function, void *) { return func_volatile(function) != PROVOLATILE_IMMUTABLE; }

bool walk_checked(Node *node, Finding *refused) {
    if (node == nullptr) return false;
    if (IsA(node, Aggref)) return refuse(refused, "an aggregate", exprLocation(node));
    if (IsA(node, WindowFunc)) return refuse(refused, "a window function", exprLocation(node));
    if (IsA(node, FuncExpr) && reinterpret_cast<FuncExpr *>(node)->funcretset)
        return refuse(refused, "a set-returning function", exprLocation(node));
    if (IsA(node, OpExpr) && reinterpret_cast<OpExpr *>(node)->opretset)
        return refuse(refused, "a set-returning operator", exprLocation(node));
    if (IsA(node, SQLValueFunction) || IsA(node, NextValueExpr))
        return refuse(refused, "a value that changes with time or session", exprLocation(node));
    if (check_functions_in_node(node, is_mutable, nullptr)) {
        const Oid function = IsA(node, FuncExpr) ? reinterpret_cast<FuncExpr *>(node)->funcid
                             : IsA(node, OpExpr) ? reinterpret_cast<OpExpr *>(node)->opfuncid
                                                 : InvalidOid;
        return refuse(refused, "an expression that is not immutable", exprLocation(node), function);
    }
    return walk_expression(node, walk_checked, refused);
}

struct Resolver {
    const char *const *names;
    int count;
};

Node *resolve_name(ParseState *state, ColumnRef *reference) {
    auto *resolver = static_cast<Resolver *>(state->p_ref_hook_state);
    const char *name = plain_name(reference);
    for (int i = 0; name != nullptr && i < resolver->count; ++i) {
        if (strcmp(name, resolver->names[i]) != 0) continue;
        Param *param = makeNode(Param);
        param->paramkind = PARAM_EXTERN;
        param->paramid = i + 1;
        param->paramtype = NUMERICOID;
        param->paramtypmod = -1;
        param->location = reference->location;
        return reinterpret_cast<Node *>(param);
    }
    return nullptr;
}

// Errors of the parser carry a cursor in the text they parsed: the formula, not the user's
// statement.
template <class F>
auto in_formula(const std::string &formula, F f) {
    try {
        return call(f);
    } catch (Error &error) {
        error.origin.internal_query = formula;
        error.origin.internal_position = error.origin.cursor_position;
        error.origin.cursor_position = 0;
        if (error.sqlstate == "42883")
            error.hint =
                "Functions outside pg_catalog are written with their schema; all names are "
                "numeric.";
        throw;
    }
}

// The expression of `formula`, or nullptr when it is not a single one.
Node *single_expression(const char *formula) {
    List *statements = raw_parser(formula, RAW_PARSE_PLPGSQL_EXPR);
    if (list_length(statements) != 1) return nullptr;
    Node *statement = linitial_node(RawStmt, statements)->stmt;
    if (!IsA(statement, SelectStmt)) return nullptr;
    auto *select = reinterpret_cast<SelectStmt *>(statement);
    const bool clauses = select->distinctClause != NIL || select->fromClause != NIL ||
                         select->whereClause != nullptr || select->groupClause != NIL ||
                         select->havingClause != nullptr || select->windowClause != NIL ||
                         select->sortClause != NIL || select->limitCount != nullptr ||
                         select->limitOffset != nullptr || select->lockingClause != NIL ||
                         select->op != SETOP_NONE;
    if (clauses || list_length(select->targetList) != 1) return nullptr;
    auto *target = linitial_node(ResTarget, select->targetList);
    return target->name == nullptr && target->indirection == NIL ? target->val : nullptr;
}

Node *parse(const std::string &formula) {
    const char *text = formula.c_str();
    Node *expression = in_formula(formula, [&] { return single_expression(text); });
    if (expression == nullptr)
        throw formula_error(
            "42601", "a formula is one expression", {},
            "Write it as it would stand in a SELECT list, without alias or clauses.", formula, 0);
    return expression;
}

RawWalk walk(const std::string &formula, Node *expression) {
    RawWalk found;
    call([&] { walk_raw(expression, &found); });
    if (found.refused.what == nullptr && found.params != NIL)
        found.refused = Finding{"a parameter", linitial_node(ParamRef, found.params)->location};
    if (found.refused.what != nullptr)
        throw formula_error(
            "0A000", fmt::format("a formula cannot contain {}", found.refused.what), {},
            "Formulas are immutable expressions over the names of measures and metrics.", formula,
            found.refused.location);
    return found;
}

// Length of the identifier at `offset` as it is written.
int written_length(const std::string &formula, int offset) {
    size_t i = size_t(offset);
    if (formula[i] == '"') {
        for (++i; i < formula.size(); ++i) {
            if (formula[i] != '"') continue;
            if (i + 1 >= formula.size() || formula[i + 1] != '"') break;
            ++i;
        }
        return int(i) + 1 - offset;
    }
    auto inside = [](unsigned char c) { return c >= 128 || isalnum(c) || c == '_' || c == '$'; };
    while (i < formula.size() && inside(static_cast<unsigned char>(formula[i]))) ++i;
    return int(i) - offset;
}

[[noreturn]] void refuse_checked(const std::string &formula, const Finding &refused) {
    const bool stale = std::string_view(refused.what).find("immutable") != std::string_view::npos ||
                       std::string_view(refused.what).find("changes") != std::string_view::npos;
    std::string detail;
    if (OidIsValid(refused.function)) {
        const Oid function = refused.function;
        char *signature = call([&] { return format_procedure(function); });
        detail = fmt::format("Function {} is not immutable.", signature);
    }
    throw formula_error(
        stale ? "42P17" : "0A000", fmt::format("a formula cannot contain {}", refused.what), detail,
        "Formulas are immutable expressions over the names of measures and metrics.", formula,
        refused.location);
}

Node *analyze(const std::string &formula, Node *expression,
              const std::vector<FormulaOperand> &operands) {
    std::vector<std::string> names;
    names.reserve(operands.size());
    for (const FormulaOperand &operand : operands) names.push_back(key_of(operand));
    const size_t count = names.size();
    const char **array =
        call([&] { return static_cast<const char **>(palloc(sizeof(char *) * (count + 1))); });
    for (size_t i = 0; i < count; ++i) array[i] = names[i].c_str();
    const char *text = formula.c_str();
    Finding refused;
    Oid type = InvalidOid;
    Node *checked = in_formula(formula, [&] {
        guard_divisions(expression, nullptr);
        Resolver resolver{array, int(count)};
        ParseState *state = make_parsestate(nullptr);
        state->p_sourcetext = text;
        state->p_pre_columnref_hook = resolve_name;
        state->p_ref_hook_state = &resolver;
        Node *result = transformExpr(state, expression, EXPR_KIND_SELECT_TARGET);
        if (walk_checked(result, &refused)) return result;
        type = exprType(result);
        Node *number = coerce_to_target_type(state, result, type, NUMERICOID, -1,
                                             COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
        if (number != nullptr) assign_expr_collations(state, number);
        return number;
    });
    if (refused.what != nullptr) refuse_checked(formula, refused);
    if (checked == nullptr) {
        char *type_name = call([&] { return format_type_be(type); });
        throw formula_error(
            "42804", fmt::format("a formula must be a number, this one is of type {}", type_name),
            {}, "Cast the result, or use CASE WHEN ... THEN 1 ELSE 0 END.", formula, 0);
    }
    return checked;
}

}  // namespace

Error formula_error(const char *sqlstate, std::string message, std::string detail, std::string hint,
                    const std::string &formula, int offset) {
    Error error(sqlstate, std::move(message), std::move(detail), std::move(hint));
    if (formula.empty()) return error;
    const char *text = formula.c_str();
    const int at = std::clamp(offset, 0, int(formula.size()));
    error.origin.internal_query = formula;
    error.origin.internal_position = call([&] { return pg_mbstrlen_with_len(text, at); }) + 1;
    return error;
}

std::vector<FormulaName> formula_names(const std::string &formula) {
    const RawWalk found = walk(formula, parse(formula));
    std::vector<FormulaName> out;
    for (int i = 0; i < list_length(found.names); ++i) {
        auto *reference = static_cast<ColumnRef *>(list_nth(found.names, i));
        out.push_back({plain_name(reference), reference->location,
                       written_length(formula, reference->location)});
    }
    return out;
}

std::vector<FormulaOperand> formula_operands(const std::string &formula) {
    Node *expression = parse(formula);
    const std::vector<FormulaOperand> calls = refer(formula, walk(formula, expression).calls);
    const RawWalk found = walk(formula, expression);
    std::vector<FormulaOperand> out;
    for (int i = 0; i < list_length(found.names); ++i) {
        auto *reference = static_cast<ColumnRef *>(list_nth(found.names, i));
        FormulaOperand operand{plain_name(reference), Reading::value, 0, reference->location};
        for (const FormulaOperand &known : calls)
            if (known.offset == operand.offset) operand = known;
        const auto same = [&](const FormulaOperand &other) { return other.same(operand); };
        if (std::none_of(out.begin(), out.end(), same)) out.push_back(std::move(operand));
    }
    return out;
}

CompiledFormula compile_formula(const std::string &formula,
                                const std::vector<FormulaOperand> &operands) {
    Node *expression = parse(formula);
    refer(formula, walk(formula, expression).calls);
    Node *checked = analyze(formula, expression, operands);
    RawWalk holes;
    const char *deparsed = in_formula(formula, [&] {
        // Constant folding raises what a constant part would raise at every read.
        expression_planner(reinterpret_cast<Expr *>(copyObjectImpl(checked)));
        const char *text = deparse_expression(checked, NIL, false, false);
        walk_raw(single_expression(text), &holes);
        return text;
    });
    // Holes are $1, $2 ... in the deparsed text; the parser says where, so literals cannot be
    // mistaken for them.
    CompiledFormula out;
    const std::string_view text(deparsed);
    size_t done = 0;
    for (int i = 0; i < list_length(holes.params); ++i) {
        auto *hole = static_cast<ParamRef *>(list_nth(holes.params, i));
        const auto start = size_t(hole->location);
        out.pieces.emplace_back(text.substr(done, start - done));
        out.operands.push_back(hole->number - 1);
        done = start + 1 + std::to_string(hole->number).size();
    }
    out.pieces.emplace_back(text.substr(done));
    return out;
}

}  // namespace kpi::pg
