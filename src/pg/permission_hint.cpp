#include "pg/permission_hint.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {
namespace {

planner_hook_type next_planner = nullptr;
ExecutorStart_hook_type next_start = nullptr;
ProcessUtility_hook_type next_utility = nullptr;

// From the one that may do least.
constexpr const char *kRoles[] = {"kpi_reader", "kpi_admin", "kpi_operator"};

// The first of our roles that may run a function of the schema with this name; null: none may, or
// there is no such function.
const char *role_for_function(const char *name, Oid schema) {
    const char *found = nullptr;
    CatCList *functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
    for (int i = 0; i < functions->n_members && found == nullptr; ++i) {
        const auto *row = reinterpret_cast<Form_pg_proc>(GETSTRUCT(&functions->members[i]->tuple));
        if (row->pronamespace != schema) continue;
        for (const char *role : kRoles) {
            const Oid id = get_role_oid(role, true);
            if (!OidIsValid(id) || !function_may_run(row->oid, id)) continue;
            found = role;
            break;
        }
    }
    ReleaseSysCacheList(functions);
    return found;
}

const char *role_for_relation(const char *name, Oid schema) {
    const Oid relation = get_relname_relid(name, schema);
    if (!OidIsValid(relation)) return nullptr;
    for (const char *role : kRoles) {
        const Oid id = get_role_oid(role, true);
        if (OidIsValid(id) && pg_class_aclcheck(relation, id, ACL_SELECT) == ACLCHECK_OK)
            return role;
    }
    return nullptr;
}

// The statement says kpi.<word>: a table of the user's own that has the name of one of ours is not
// ours.
bool names(const char *statement, const char *word) {
    return strcasestr(statement, psprintf("kpi.%s", word)) != nullptr ||
           strcasestr(statement, psprintf("kpi.\"%s", word)) != nullptr;
}

// The role that may use the object that the message names, in whatever language: each of its words
// is tried as a name of the schema.
const char *role_for(const char *message, const char *statement) {
    const Oid schema = get_namespace_oid("kpi", true);
    if (!OidIsValid(schema) || statement == nullptr) return nullptr;
    const char *role = nullptr;
    char *words = pstrdup(message);
    char *rest = nullptr;
    for (const char *word = strtok_r(words, " \"'().,:", &rest); word != nullptr && role == nullptr;
         word = strtok_r(nullptr, " \"'().,:", &rest)) {
        if (strlen(word) >= NAMEDATALEN || !names(statement, word)) continue;
        role = role_for_function(word, schema);
        if (role == nullptr) role = role_for_relation(word, schema);
    }
    pfree(words);
    return role;
}

// In a PG_CATCH: the error goes on, with a hint if it is a missing right on an object of ours. Only
// caches of the catalog are read, which the transaction that failed may still do.
[[noreturn]] void rethrow_with_hint(MemoryContext context, const char *statement) {
    if (geterrcode() != ERRCODE_INSUFFICIENT_PRIVILEGE) PG_RE_THROW();
    MemoryContextSwitchTo(context);
    ErrorData *error = CopyErrorData();
    if (error->hint != nullptr || error->message == nullptr) PG_RE_THROW();
    FlushErrorState();
    if (const char *role = role_for(error->message, statement))
        error->hint = psprintf(
            "It is for members of the role %s. A member with ADMIN OPTION or a "
            "superuser can say: GRANT %s TO %s;",
            role, role, quote_identifier(GetUserNameFromId(GetUserId(), false)));
    ReThrowError(error);
}

// Views that are planned apart are checked here.
PlannedStmt *on_plan(Query *query, const char *text, int options, ParamListInfo params) {
    const MemoryContext context = CurrentMemoryContext;
    PlannedStmt *volatile planned = nullptr;
    PG_TRY();
    {
        planned = next_planner != nullptr ? next_planner(query, text, options, params)
                                          : standard_planner(query, text, options, params);
    }
    PG_CATCH();
    { rethrow_with_hint(context, text); }
    PG_END_TRY();
    return planned;
}

void on_start(QueryDesc *query, int flags) {
    const MemoryContext context = CurrentMemoryContext;
    PG_TRY();
    {
        if (next_start != nullptr)
            next_start(query, flags);
        else
            standard_ExecutorStart(query, flags);
    }
    PG_CATCH();
    { rethrow_with_hint(context, query->sourceText); }
    PG_END_TRY();
}

void run_utility(PlannedStmt *statement, const char *text, bool read_only,
                 ProcessUtilityContext level, ParamListInfo params, QueryEnvironment *environment,
                 DestReceiver *receiver, QueryCompletion *completion) {
    if (next_utility != nullptr)
        next_utility(statement, text, read_only, level, params, environment, receiver, completion);
    else
        standard_ProcessUtility(statement, text, read_only, level, params, environment, receiver,
                                completion);
}

void on_utility(PlannedStmt *statement, const char *text, bool read_only,
                ProcessUtilityContext level, ParamListInfo params, QueryEnvironment *environment,
                DestReceiver *receiver, QueryCompletion *completion) {
    // A procedure may commit, so that no context of before can be relied on; an error that is ours
    // to complete comes before it starts.
    if (!IsA(statement->utilityStmt, CallStmt)) {
        run_utility(statement, text, read_only, level, params, environment, receiver, completion);
        return;
    }
    PG_TRY();
    { run_utility(statement, text, read_only, level, params, environment, receiver, completion); }
    PG_CATCH();
    { rethrow_with_hint(TopMemoryContext, text); }
    PG_END_TRY();
}

}  // namespace

void watch_permissions() {
    next_planner = planner_hook;
    planner_hook = on_plan;
    next_start = ExecutorStart_hook;
    ExecutorStart_hook = on_start;
    next_utility = ProcessUtility_hook;
    ProcessUtility_hook = on_utility;
}

}  // namespace kpi::pg
