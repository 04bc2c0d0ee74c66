// Code of users (functions behind facts views, formulas, operators of their types) that runs in
// somebody else's session: as its owner, and so that nothing of it stays. For PostgreSQL's regime,
// too: plain data, no exceptions.
//
// A level of settings is opened and undone (set_config(..., false) would stay otherwise: a
// search_path in a superuser's session makes its author superuser). SECURITY_RESTRICTED_OPERATION
// keeps away temporary objects, LISTEN, PREPARE and cursors WITH HOLD; read-only all writing. What
// is left are built-in functions whose effect outlives the transaction or takes away what the
// session holds: they are refused by a hook, which knows the code by a bit of the security context,
// so that PostgreSQL itself restores it on every error.
#pragma once

#include "pg/prelude.hpp"

namespace kpi::pg {

// Once, from _PG_init.
void watch_owner_code();

// What to give back; an error of PostgreSQL in between is undone by the (sub)transaction's abort.
struct OwnerCode {
    Oid role;
    int context;
    int nest;
    bool read_only;
};
// Nothing can be written until it is left.
OwnerCode enter_owner_code(Oid owner);
void leave_owner_code(const OwnerCode &saved);

// For scopes that set the role themselves: the bits of the security context.
int owner_code_context(int context);

}  // namespace kpi::pg
