#include "pg/owner_code.hpp"

namespace kpi::pg {
namespace {

// A bit that PostgreSQL does not use (it has 1, 2 and 4); saved, restored and handed to parallel
// workers with the others.
constexpr int kOwnerCode = 1 << 20;

// Session advisory locks, and the locks of the session that such code could give away; the seed
// of random().
bool outlives_transaction(Oid function) {
    switch (function) {
        case F_PG_ADVISORY_LOCK_INT8:
        case F_PG_ADVISORY_LOCK_SHARED_INT8:
        case F_PG_ADVISORY_LOCK_INT4_INT4:
        case F_PG_ADVISORY_LOCK_SHARED_INT4_INT4:
        case F_PG_TRY_ADVISORY_LOCK_INT8:
        case F_PG_TRY_ADVISORY_LOCK_SHARED_INT8:
        case F_PG_TRY_ADVISORY_LOCK_INT4_INT4:
        case F_PG_TRY_ADVISORY_LOCK_SHARED_INT4_INT4:
        case F_PG_ADVISORY_UNLOCK_INT8:
        case F_PG_ADVISORY_UNLOCK_SHARED_INT8:
        case F_PG_ADVISORY_UNLOCK_INT4_INT4:
        case F_PG_ADVISORY_UNLOCK_SHARED_INT4_INT4:
        case F_PG_ADVISORY_UNLOCK_ALL:
        case F_SETSEED:
            return true;
        default:
            return false;
    }
}

object_access_hook_type next_hook = nullptr;

void on_object_access(ObjectAccessType access, Oid class_id, Oid object, int sub_id, void *arg) {
    if (next_hook != nullptr) next_hook(access, class_id, object, sub_id, arg);
    if (access != OAT_FUNCTION_EXECUTE || !outlives_transaction(object)) return;
    Oid role = InvalidOid;
    int context = 0;
    GetUserIdAndSecContext(&role, &context);
    if ((context & kOwnerCode) == 0) return;
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("function %s cannot be called by code of a facts view or a formula",
                           format_procedure(object)),
                    errdetail("Its effect would stay in the session that reads or writes.")));
}

}  // namespace

void watch_owner_code() {
    next_hook = object_access_hook;
    object_access_hook = on_object_access;
}

int owner_code_context(int context) { return context | kOwnerCode; }

OwnerCode enter_owner_code(Oid owner) {
    OwnerCode saved;
    GetUserIdAndSecContext(&saved.role, &saved.context);
    saved.nest = NewGUCNestLevel();
    saved.read_only = XactReadOnly;
    SetUserIdAndSecContext(owner, owner_code_context(saved.context) | SECURITY_LOCAL_USERID_CHANGE |
                                      SECURITY_RESTRICTED_OPERATION);
    // The variable behind transaction_read_only, without the cost of a setting for each row. The
    // code cannot turn it off: PostgreSQL refuses that once a snapshot was taken.
    XactReadOnly = true;
    return saved;
}

void leave_owner_code(const OwnerCode &saved) {
    AtEOXact_GUC(false, saved.nest);
    XactReadOnly = saved.read_only;
    SetUserIdAndSecContext(saved.role, saved.context);
}

}  // namespace kpi::pg
