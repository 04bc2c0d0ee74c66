#include "engine/view/rights.hpp"

namespace kpi::capture {
namespace {

void require_select(Oid relation) {
    if (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
        aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relation)),
                       get_rel_name(relation));
}

void require_unfiltered(Oid relation) {
    if (check_enable_rls(relation, GetUserId(), true) != RLS_ENABLED) return;
    ereport(
        ERROR,
        (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
         errmsg("row security of \"%s\" binds you, but a rollup has no rows to hide",
                get_rel_name(relation)),
         errhint("Read the facts view itself, or ask its owner for a facts view that filters.")));
}

// The query of a security_invoker view, whose relations are read with the reader's own rights; null
// for every other relation.
Query *invoker_query(Oid relation) {
    if (get_rel_relkind(relation) != RELKIND_VIEW) return nullptr;
    Relation view = relation_open(relation, AccessShareLock);
    Query *query = pg::reads_as_caller(view)
                       ? static_cast<Query *>(copyObjectImpl(get_view_query(view)))
                       : nullptr;
    relation_close(view, AccessShareLock);
    return query;
}

// Context: the view whose stored query is walked; it lists itself as OLD and NEW.
bool require_relations(Node *node, Oid *view) {
    if (node == nullptr) return false;
    if (!IsA(node, Query)) return pg::walk_expression(node, require_relations, view);
    auto *query = castNode(Query, node);
    ListCell *cell = nullptr;
    foreach (cell, query->rtable) {
        auto *entry = lfirst_node(RangeTblEntry, cell);
        if (entry->rtekind != RTE_RELATION || entry->relid == *view) continue;
        require_select(entry->relid);
        require_unfiltered(entry->relid);
        Oid inner = entry->relid;
        if (Query *of_view = invoker_query(inner))
            require_relations(reinterpret_cast<Node *>(of_view), &inner);
    }
    return pg::walk_query(query, require_relations, view);
}

}  // namespace

void require_reader(Oid facts) {
    require_select(facts);
    if (Query *query = invoker_query(facts))
        require_relations(reinterpret_cast<Node *>(query), &facts);
}

}  // namespace kpi::capture
