// Statements that run often in a session keep their plan: prepared once, planned once (generic),
// found by text and parameter types. PostgreSQL itself replans a kept plan when a table or function
// it uses changes. At most kKeptPlans per session; the least recently used one that nobody is
// running goes first.
#pragma once

#include "pg/guard.hpp"

namespace kpi::pg {

constexpr size_t kKeptPlans = 128;

// The plan of a statement for a scope; needs an open Spi. Errors: PostgreSQL's, from parsing the
// statement.
class KeptPlan {
public:
    KeptPlan(const char *statement, int count, Oid *types);
    ~KeptPlan();
    KeptPlan(const KeptPlan &) = delete;
    KeptPlan &operator=(const KeptPlan &) = delete;
    SPIPlanPtr get() const { return plan_; }

private:
    SPIPlanPtr plan_ = nullptr;
    int *users_ = nullptr;
};

}  // namespace kpi::pg
