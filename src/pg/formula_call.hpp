// Calls in a formula that read a name: percentile(x, 0.95), median(x), share_below(x, 15), as
// PostgreSQL's parser gives them. For formula.cpp.
#pragma once

#include "pg/formula.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {

// The name of a reference without a qualifier; null: it has one, or is *.
const char *plain_name(ColumnRef *reference);
// Whether the function is one of them; its arguments may be wrong.
bool reads_a_name(FuncCall *call);
// The name by which the operand is resolved; of a call, one that no name can be.
std::string key_of(const FormulaOperand &operand);
// The calls become references to what they read, in place. Errors: 22023 for wrong arguments.
std::vector<FormulaOperand> refer(const std::string &formula, List *calls);

}  // namespace kpi::pg
