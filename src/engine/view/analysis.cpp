#include "engine/view/analysis.hpp"

#include <fmt/format.h>

#include "engine/view/mutability.hpp"
#include "engine/view/view.hpp"
#include "pg/guard.hpp"
#include "pg/sql.hpp"

namespace kpi::capture {
namespace {

Refusal refuse(std::string message, std::string hint, std::string detail = {}) {
    return {true, false, "0A000", std::move(message), std::move(detail), std::move(hint)};
}

Refusal elsewhere(std::string message) {
    return {true,
            true,
            "0A000",
            std::move(message),
            {},
            "Pass capture => 'window': the worker then recomputes the last days of the view by "
            "running it."};
}

// The first thing in the query that makes it more than a projection and filter of one relation;
// null when nothing is.
const char *more_than_projection(const Query *query) {
    if (query->hasWindowFuncs) return "window functions";
    if (query->hasTargetSRFs) return "set-returning functions";
    if (query->distinctClause != NIL) return "DISTINCT";
    if (query->limitCount != nullptr || query->limitOffset != nullptr) return "LIMIT or OFFSET";
    if (query->hasAggs || query->groupClause != NIL || query->groupingSets != NIL ||
        query->havingQual != nullptr)
        return "aggregates or GROUP BY";
    if (query->hasSubLinks) return "sub-selects";
    return nullptr;
}

struct Shape {
    Query *query = nullptr;
    const char *more = nullptr;
    bool is_volatile = false, sample = false, simple = false, only = false, system_column = false;
    Oid base = InvalidOid;
    char base_kind = 0;
};

bool special_var(Node *node, int *attribute) {
    if (node == nullptr) return false;
    if (IsA(node, Var) && castNode(Var, node)->varattno <= 0) {
        *attribute = castNode(Var, node)->varattno;
        return true;
    }
    if (IsA(node, Query)) return pg::walk_query(castNode(Query, node), special_var, attribute);
    return pg::walk_expression(node, special_var, attribute);
}

Shape shape_of(Oid facts) {
    Shape shape;
    Relation view = relation_open(facts, AccessShareLock);
    shape.query = static_cast<Query *>(copyObjectImpl(get_view_query(view)));
    shape.is_volatile = contain_volatile_functions(reinterpret_cast<Node *>(shape.query));
    shape.more = more_than_projection(shape.query);
    ListCell *cell = nullptr;
    foreach (cell, shape.query->rtable) {
        auto *entry = lfirst_node(RangeTblEntry, cell);
        shape.sample |= entry->tablesample != nullptr;
    }
    ViewExpressions *expressions = read_view(view);
    shape.simple = expressions != nullptr;
    if (expressions != nullptr) {
        shape.base = expressions->base->relid;
        shape.base_kind = get_rel_relkind(shape.base);
        shape.only = !expressions->base->inh;
        int attribute = 1;
        shape.system_column =
            special_var(reinterpret_cast<Node *>(expressions->query->targetList), &attribute) ||
            special_var(expressions->quals, &attribute);
    }
    relation_close(view, AccessShareLock);
    return shape;
}

Refusal check_expression(ObjectId facts, const std::string &column, Node *node) {
    MutablePiece piece;
    const char *unpinned = nullptr;
    pg::call([&] {
        unpinned = unpinned_function(node);
        if (unpinned == nullptr)
            piece = find_mutable(reinterpret_cast<Node *>(plan_expression(node)), facts.value);
    });
    const std::string where =
        column.empty() ? "the filter of the facts view" : "column " + pg::quote(column);
    if (unpinned != nullptr)
        return refuse(
            fmt::format("{} calls function {}, whose search_path is not fixed", where, unpinned),
            fmt::format(
                "ALTER FUNCTION {} SET search_path = pg_catalog, pg_temp (and its own schema).",
                unpinned),
            "Its meaning would depend on the session that writes.");
    if (piece.text != nullptr)
        return refuse(fmt::format("{} is not immutable: {}", where, piece.text), piece.mend,
                      "Its value depends on settings or on the time, so what a row adds could not "
                      "be taken away again.");
    return {};
}

Refusal check_expressions(ObjectId facts, const std::vector<std::string> &columns) {
    Relation view = nullptr;
    ViewExpressions *expressions = nullptr;
    pg::call([&] {
        view = relation_open(facts.value, AccessShareLock);
        expressions = read_view(view);
    });
    Refusal refusal;
    if (expressions->quals != nullptr) refusal = check_expression(facts, "", expressions->quals);
    for (const std::string &column : columns) {
        if (refusal.refused) break;
        const char *name = column.c_str();
        auto *node = pg::call(
            [&] { return reinterpret_cast<Node *>(column_expression(view, expressions, name)); });
        refusal = check_expression(facts, column, node);
    }
    pg::call([&] { relation_close(view, AccessShareLock); });
    return refusal;
}

// What the catalog says about the base table; one row.
Refusal check_base(ObjectId facts, ObjectId base, const std::string &name) {
    const Table t = pg::query(
        "SELECT c.relkind, c.relpersistence, c.relispartition, "
        " EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid), "
        " EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid), "
        " (SELECT p.relid::pg_catalog.regclass::text FROM pg_catalog.pg_partition_tree(c.oid) p "
        "   JOIN pg_catalog.pg_class l ON l.oid = p.relid WHERE l.relkind = 'f' LIMIT 1), "
        " (SELECT p.relid::pg_catalog.regclass::text FROM pg_catalog.pg_partition_tree(c.oid) p "
        "   JOIN pg_catalog.pg_class l ON l.oid = p.relid WHERE l.relpersistence <> 'p' LIMIT 1), "
        " c.oid < 16384, "
        " pg_catalog.pg_has_role(v.relowner, c.relowner, 'USAGE'), "
        " c.relowner::pg_catalog.regrole::text, v.relowner::pg_catalog.regrole::text "
        "FROM pg_catalog.pg_class c, pg_catalog.pg_class v WHERE c.oid = $1 AND v.oid = $2",
        {base, facts});
    const Row &row = t.rows.at(0);
    auto is = [&](size_t i) { return row[i] && *row[i] == "t"; };
    const char kind = row[0]->at(0);
    if (kind == RELKIND_VIEW)
        return elsewhere(fmt::format("facts view reads another view, {}", name));
    if (kind == RELKIND_FOREIGN_TABLE)
        return elsewhere(fmt::format("facts view reads a foreign table, {}", name));
    if (kind == RELKIND_MATVIEW)
        return elsewhere(fmt::format("facts view reads a materialized view, {}", name));
    if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
        return elsewhere(fmt::format("facts view reads {}, which is not a table", name));
    if (is(7))
        return refuse(fmt::format("{} is a system table", name),
                      "Rows of system tables fire no triggers.");
    if (*row[1] == "t")
        return refuse(fmt::format("base table {} is temporary", name),
                      "Other sessions cannot see it: use a permanent table.");
    if (*row[1] == "u")
        return refuse(fmt::format("base table {} is UNLOGGED", name),
                      fmt::format("ALTER TABLE {} SET LOGGED.", name),
                      "A crash empties it and would leave the rollups standing.");
    if (kind == RELKIND_RELATION && ((is(3) && !is(2)) || is(4)))
        return refuse(fmt::format("base table {} takes part in inheritance", name),
                      "Use declarative partitioning.",
                      "Rows written to a child do not fire the parent's triggers.");
    if (row[5]) {
        Refusal foreign =
            elsewhere(fmt::format("partition {} of {} is a foreign table", *row[5], name));
        foreign.detail = "What other clients write to the remote table fires no trigger here.";
        return foreign;
    }
    if (row[6])
        return refuse(fmt::format("partition {} of {} is UNLOGGED", *row[6], name),
                      fmt::format("ALTER TABLE {} SET LOGGED.", *row[6]));
    if (!is(8)) {
        Refusal owners =
            refuse(fmt::format("owner of the facts view, {}, does not own the base table {}",
                               *row[10], name),
                   fmt::format("GRANT {} TO {}, or let one role own both.", *row[9], *row[10]));
        owners.sqlstate = "42501";
        return owners;
    }
    Oid owner = InvalidOid;
    const bool bound = pg::call([&] {
        HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(facts.value));
        owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
        ReleaseSysCache(tuple);
        return check_enable_rls(base.value, owner, true) == RLS_ENABLED;
    });
    if (bound)
        return refuse(fmt::format("row security of {} binds the owner of the facts view", name),
                      fmt::format("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY, or give the view to "
                                  "a role that bypasses it.",
                                  name),
                      "The trigger would count rows that the view does not show.");
    return {};
}

}  // namespace

Analysis analyze(ObjectId facts, const std::vector<std::string> &columns) {
    const Shape shape = pg::call([&] { return shape_of(facts.value); });
    if (shape.is_volatile)
        throw Error("42P17", "facts view calls a volatile function",
                    "Two reads of the same row would give different facts.",
                    "Use immutable expressions, or store the value in the table.");
    if (shape.sample)
        throw Error("42P17", "facts view uses TABLESAMPLE", "Two reads would see different rows.",
                    "Track a view over the whole table.");
    Analysis out;
    if (shape.more != nullptr) {
        out.refusal = elsewhere(fmt::format("facts view uses {}", shape.more));
        // one row per event is the contract: say so instead of guessing
        out.refusal.structural = false;
        out.refusal.detail =
            "Trigger capture needs a projection and filter of one table: one row per event.";
        return out;
    }
    if (!shape.simple) {
        out.refusal = elsewhere("facts view reads more than one table");
        return out;
    }
    const std::string name = pg::qualified(ObjectId{shape.base});
    if (shape.system_column) {
        out.refusal =
            refuse("facts view uses a system column or a whole row of " + name,
                   "Name the columns that are meant; a system column changes without the row.");
        return out;
    }
    if (shape.only) {
        out.refusal = refuse(fmt::format("facts view reads ONLY {}", name), "Leave ONLY out.",
                             "Rows of partitions and children would be captured but not shown.");
        return out;
    }
    out.refusal = check_base(facts, ObjectId{shape.base}, name);
    if (!out.refusal.refused) out.refusal = check_expressions(facts, columns);
    if (!out.refusal.refused) out.base = ObjectId{shape.base};
    return out;
}

}  // namespace kpi::capture
