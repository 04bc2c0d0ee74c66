// pg: thin wrappers around PostgreSQL. Sees core/ and PostgreSQL; nothing else. Promises: every
// call that can raise is guarded (guard.hpp), every value that leaves the room is plain data.
//
// This header is the only list of PostgreSQL headers and version shims (14 to 18). C++ headers come
// first, because postgres.h replaces printf and friends by macros; include this one last.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#include "postgres.h"

#include "access/attmap.h"
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "access/xlogutils.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_tablespace_d.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "commands/dbcommands.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "libpq/pqsignal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "pgstat.h"
#include "pgtime.h"
#include "port/atomics.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "rewrite/rowsecurity.h"
#include "storage/bufmgr.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/procsignal.h"
#include "storage/shmem.h"
#include "storage/smgr.h"
#include "tcop/cmdtag.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/multirangetypes.h"
#include "utils/numeric.h"
#include "utils/rangetypes.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/relmapper.h"
#include "utils/resowner.h"
#include "utils/rls.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
#include "utils/varlena.h"
#include "windowapi.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#endif
}
#pragma GCC diagnostic pop

// A process's place in the process array.
#if PG_VERSION_NUM < 170000
#define KPI_PROC_NUMBER(proc) ((proc)->pgprocno)
#else
#define KPI_PROC_NUMBER(proc) GetNumberFromPGProc(proc)
#endif

// A mapped catalog of the cluster, for reading its pages without a relation cache.
#if PG_VERSION_NUM < 160000
#define KPI_FAKE_SHARED_RELATION(oid) \
    CreateFakeRelcacheEntry(          \
        RelFileNode{GLOBALTABLESPACE_OID, InvalidOid, RelationMapOidToFilenode((oid), true)})
#else
#define KPI_FAKE_SHARED_RELATION(oid) \
    CreateFakeRelcacheEntry(          \
        RelFileLocator{GLOBALTABLESPACE_OID, InvalidOid, RelationMapOidToFilenumber((oid), true)})
#endif

// A set that lives as long as the process.
#if PG_VERSION_NUM < 170000
#define KPI_CREATE_WAIT_SET(events) CreateWaitEventSet(TopMemoryContext, (events))
#else
#define KPI_CREATE_WAIT_SET(events) CreateWaitEventSet(nullptr, (events))
#endif
// Up to 14 a sender that is no client session signals the listeners itself, after its commit.
#if PG_VERSION_NUM < 150000
#define KPI_SIGNAL_LISTENERS() ProcessCompletedNotifies()
#else
#define KPI_SIGNAL_LISTENERS() ((void)0)
#endif

// Up to 14 there were no other parameters than fixed ones.
#if PG_VERSION_NUM < 150000
#define pg_analyze_and_rewrite_fixedparams pg_analyze_and_rewrite
#endif

#include "pg/level.hpp"

static_assert(int(kpi::pg::Level::debug) == DEBUG1 && int(kpi::pg::Level::log) == LOG &&
              int(kpi::pg::Level::info) == INFO);
static_assert(int(kpi::pg::Level::notice) == NOTICE && int(kpi::pg::Level::warning) == WARNING);
static_assert(int(kpi::pg::Level::fatal) == FATAL);
static_assert(std::is_same_v<Datum, uintptr_t>, "sql.hpp names Datum without seeing it");

// elog.h's macros collide with enum names of ours and of libraries; use Level instead.
#undef DEBUG1
#undef LOG
#undef INFO
#undef NOTICE
#undef WARNING
#undef FATAL
#undef PANIC
// postgres.h maps these to its own functions, which breaks std:: uses in templates.
#undef printf
#undef fprintf
#undef sprintf
#undef snprintf
#undef vsnprintf
#undef vfprintf
#undef vsprintf
#undef vprintf
#undef strerror

namespace kpi::pg {

inline LocalTransactionId current_transaction_number() {
#if PG_VERSION_NUM >= 170000
    return MyProc->vxid.lxid;
#else
    return MyProc->lxid;
#endif
}

inline bool function_may_run(Oid function, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
#else
    return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

inline void run_to_end(QueryDesc *query) {
#if PG_VERSION_NUM >= 180000
    ExecutorRun(query, ForwardScanDirection, 0);
#else
    ExecutorRun(query, ForwardScanDirection, 0, true);
#endif
}

inline RangeType *range_of(TypeCacheEntry *type, RangeBound lower, RangeBound upper) {
#if PG_VERSION_NUM >= 160000
    return make_range(type, &lower, &upper, false, nullptr);
#else
    return make_range(type, &lower, &upper, false);
#endif
}

// A view WITH (security_invoker), which came with 15.
inline bool reads_as_caller(Relation view) {
#if PG_VERSION_NUM >= 150000
    return RelationHasSecurityInvoker(view);
#else
    (void)view;
    return false;
#endif
}

// Literals of the raw parse tree: nodes from 15 on, values before. False for what is no number.
inline bool literal_number(A_Const *literal, double *out) {
#if PG_VERSION_NUM >= 150000
    if (literal->isnull) return false;
    Node *value = &literal->val.node;
#else
    Value *value = &literal->val;
#endif
    const NodeTag tag = nodeTag(value);
    if (tag == T_Integer) *out = intVal(value);
    if (tag == T_Float) *out = floatVal(value);
    return tag == T_Integer || tag == T_Float;
}

inline A_Const *zero_literal() {
    A_Const *literal = makeNode(A_Const);
#if PG_VERSION_NUM >= 150000
    literal->val.ival.type = T_Integer;
#else
    literal->val.type = T_Integer;
#endif
    literal->location = -1;
    return literal;
}

// The tree walkers take an unprototyped function up to 15 and a typed one from 16 on.
template <class Context>
bool walk_expression(Node *node, bool (*walker)(Node *, Context *), Context *context) {
#if PG_VERSION_NUM >= 160000
    return expression_tree_walker_impl(node, reinterpret_cast<tree_walker_callback>(walker),
                                       context);
#else
    return expression_tree_walker(
        node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), context);
#endif
}

template <class Context>
bool walk_query(Query *query, bool (*walker)(Node *, Context *), Context *context) {
#if PG_VERSION_NUM >= 160000
    return query_tree_walker_impl(query, reinterpret_cast<tree_walker_callback>(walker), context,
                                  0);
#else
    return query_tree_walker(
        query, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), context, 0);
#endif
}
template <class Context>
bool walk_raw_expression(Node *node, bool (*walker)(Node *, Context *), Context *context) {
#if PG_VERSION_NUM >= 160000
    return raw_expression_tree_walker_impl(node, reinterpret_cast<tree_walker_callback>(walker),
                                           context);
#else
    return raw_expression_tree_walker(
        node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), context);
#endif
}

}  // namespace kpi::pg
