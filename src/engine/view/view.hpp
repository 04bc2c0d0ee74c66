// The stored query tree of a facts view: the expressions behind its columns, and whether trigger
// capture can serve it.
#pragma once

#include "engine/view/captured_source.hpp"

namespace kpi::capture {

// The expressions as stored (not planned), over the base table's range table entry `varno`.
struct ViewExpressions {
    Query *query;
    RangeTblEntry *base;
    Index varno;
    Node *quals;
};

// Null when the view is not a projection and filter of one relation.
ViewExpressions *read_view(Relation view);
// The expression behind column `name`; null when there is no such column.
Expr *column_expression(Relation view, const ViewExpressions *expressions, const char *name);
// Plans an expression: constants folded, SQL functions inlined, operators resolved.
Expr *plan_expression(Node *node);

// Can evaluating this planned expression raise an error? False only when every function in it is
// known not to.
bool can_raise(Node *node);
// Can evaluating it run code of users: their functions, operators and types, checks of domains?
bool calls_user_functions(Node *node);

}  // namespace kpi::capture
