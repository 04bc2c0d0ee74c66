// Who may read a source: a rollup has no rows to check rights on, so whoever reads it must be able
// to read all of the facts view.
#pragma once

#include "pg/prelude.hpp"

namespace kpi::capture {

// Raises 42501 unless the current user may SELECT the facts view and, behind a security_invoker
// view, every relation that the view would read as the user, without row security.
void require_reader(Oid facts);

}  // namespace kpi::capture
