// Which expressions of a facts view depend on more than the row: what a row adds must be exactly
// what it takes away again, in another session with other settings.
#pragma once

#include "engine/view/captured_source.hpp"

namespace kpi::capture {

struct MutablePiece {
    const char *text = nullptr;  // as the user wrote it; null: the expression is immutable
    const char *mend = nullptr;  // what to write instead
};

// The first non-immutable piece of a planned expression over the facts view `view`. Text output of
// enums and concatenation of text are let through: PostgreSQL marks them STABLE for the sake of
// other argument types. Text output of floats and bytea is not: PostgreSQL marks it IMMUTABLE, but
// it follows settings.
MutablePiece find_mutable(Node *node, Oid view);

// A user-defined SQL or PL function in the (unplanned) expression whose search_path is not fixed,
// or null: its meaning would depend on the writing session. Functions with a SQL-standard body were
// resolved when they were created.
const char *unpinned_function(Node *node);

}  // namespace kpi::capture
