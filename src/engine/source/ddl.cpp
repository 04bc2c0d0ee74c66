#include "engine/source/ddl.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "engine/registry/triggers.hpp"
#include "engine/source/dependents.hpp"
#include "engine/source/facts_change.hpp"
#include "engine/source/track.hpp"
#include "engine/view/analysis.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

constexpr const char *kCapturePrefix = "kpi_capture_";
constexpr const char *kTruncatePrefix = "kpi_truncate_";

ObjectId id(const Cell &cell) { return {cell ? uint32_t(std::stoul(*cell)) : 0U}; }

// The registry may be gone in the middle of DROP EXTENSION, and most databases track nothing.
bool anything_tracked() {
    return *pg::value("SELECT pg_catalog.to_regclass('kpi.source') IS NOT NULL") == "t" &&
           *pg::value("SELECT EXISTS (SELECT FROM kpi.source)") == "t";
}

struct Tracked {
    std::string source;
    ObjectId base;
};

// Sources whose base is the relation, above it or below it in its partition tree, or its
// inheritance parent.
std::vector<Tracked> tracked_through(ObjectId relation) {
    const Table t = pg::query(
        "SELECT name, base::pg_catalog.oid FROM kpi.source s WHERE base IS NOT NULL AND (base = $1 "
        "OR EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors($1::pg_catalog.regclass) a WHERE "
        "a.relid = s.base) "
        "OR EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(s.base) a WHERE a.relid = $1) "
        "OR EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = $1 AND i.inhparent = "
        "s.base)) ORDER BY name",
        {relation});
    std::vector<Tracked> out;
    for (const Row &row : t.rows) out.push_back({*row[0], id(row[1])});
    return out;
}

void refuse_foreign_leaf(const Tracked &tracked) {
    const auto leaf = pg::value(
        "SELECT p.relid::pg_catalog.regclass::text FROM "
        "pg_catalog.pg_partition_tree($1::pg_catalog.regclass) p "
        "JOIN pg_catalog.pg_class c ON c.oid = p.relid WHERE c.relkind = 'f' LIMIT 1",
        {tracked.base});
    if (leaf)
        throw Error("0A000",
                    fmt::format("{} is a foreign table and cannot be a partition of a table that "
                                "source \"{}\" tracks",
                                *leaf, tracked.source),
                    "What other clients write to the remote table fires no trigger here.",
                    "kpi.untrack the source and track it with capture => 'window'.");
}

void refuse_inheritance(const Tracked &tracked, ObjectId relation) {
    const auto child = pg::value(
        "SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_inherits i JOIN "
        "pg_catalog.pg_class c ON c.oid = i.inhrelid "
        "WHERE NOT c.relispartition AND (i.inhparent = $1 OR (i.inhrelid = $1 AND i.inhrelid = "
        "$2)) LIMIT 1",
        {tracked.base, relation});
    if (child)
        throw Error(
            "0A000",
            fmt::format("{} cannot take part in inheritance with a table that source \"{}\" tracks",
                        *child, tracked.source),
            "Rows written to a child do not fire the parent's triggers.",
            "Use declarative partitioning, or kpi.untrack the source first.");
}

// TRUNCATE triggers of relations that have left the partition tree.
void drop_stray_truncate_triggers(const Tracked &tracked) {
    const Table t = pg::query(
        "SELECT t.tgrelid::pg_catalog.oid FROM pg_catalog.pg_trigger t WHERE t.tgname = "
        "$2::pg_catalog.name AND t.tgrelid <> $1 "
        "AND t.tgrelid NOT IN (SELECT relid FROM "
        "pg_catalog.pg_partition_tree($1::pg_catalog.regclass))",
        {tracked.base, kTruncatePrefix + tracked.source});
    for (const Row &row : t.rows)
        pg::execute(fmt::format("DROP TRIGGER {} ON {}",
                                pg::quote(kTruncatePrefix + tracked.source),
                                pg::qualified(id(row[0]))));
}

// Whether triggers of this source were switched on or off; those of others are no concern of it.
bool switched(const pg::Ddl &ddl, const std::string &source) {
    return std::any_of(ddl.triggers.begin(), ddl.triggers.end(), [&](const std::string &trigger) {
        return trigger.empty() || trigger == kCapturePrefix + source ||
               trigger == kTruncatePrefix + source;
    });
}

void after_alter_table(const pg::Ddl &ddl, ObjectId relation) {
    const bool contents =
        ddl.attach || ddl.detach || ddl.persistence || ddl.row_security || ddl.owner;
    if (!contents && !ddl.inherit && ddl.triggers.empty()) return;
    for (const Tracked &tracked : tracked_through(relation)) {
        if (ddl.inherit) refuse_inheritance(tracked, relation);
        if (ddl.attach) {
            refuse_foreign_leaf(tracked);
            create_truncate_triggers(tracked.source, tracked.base);
        }
        if (ddl.detach) drop_stray_truncate_triggers(tracked);
        const bool triggers = switched(ddl, tracked.source);
        if (triggers) restore_always(tracked.source, tracked.base);
        if (!contents && !triggers) continue;
        const char *why = ddl.attach         ? "ATTACH PARTITION"
                          : ddl.detach       ? "DETACH PARTITION"
                          : triggers         ? "triggers disabled or enabled"
                          : ddl.persistence  ? "SET LOGGED or UNLOGGED"
                          : ddl.row_security ? "row security switched"
                                             : "owner changed";
        mark_dirty(tracked.source, why);
    }
}

void after_create_table(ObjectId relation) {
    for (const Tracked &tracked : tracked_through(relation)) {
        refuse_foreign_leaf(tracked);
        refuse_inheritance(tracked, relation);
        create_truncate_triggers(tracked.source, tracked.base);
    }
}

// Something that facts views use, however far below, has changed: so may every value.
void after_object_change(const std::string &catalog, ObjectId object, const std::string &what) {
    for (const Dependent &dependent : sources_over(catalog, object)) {
        // Writers keep the view locked to their end: wait for those that hold sums of the old
        // meaning, or they would flush them after the repair.
        lock_view(dependent.facts);
        mark_dirty(dependent.source, what);
    }
}

// A view was replaced or altered: one that is tracked must stay what was tracked, and sources over
// it show something else.
void after_view_change(ObjectId view) {
    follow_view(view);
    for (const Dependent &dependent : sources_over("pg_class", view)) {
        if (dependent.facts.value == view.value) continue;
        lock_view(dependent.facts);
        mark_dirty(dependent.source, "a view below was replaced or altered");
    }
}

// CREATE OR REPLACE RULE "_RETURN" replaces what a view shows; 0 for any other rule.
ObjectId view_of_rule(ObjectId rule) {
    return id(pg::value(
        "SELECT ev_class FROM pg_catalog.pg_rewrite WHERE oid = $1 AND ev_type = '1'", {rule}));
}

void refuse_trigger_rename(const pg::Ddl &ddl) {
    for (const char *prefix : {kCapturePrefix, kTruncatePrefix})
        if (ddl.old_name.rfind(prefix, 0) == 0 && !tracked_through(ddl.renamed).empty())
            throw Error("0A000",
                        fmt::format("trigger \"{}\" belongs to kpi_ext and cannot be renamed",
                                    ddl.old_name),
                        {}, "kpi.untrack drops it.");
}

// Locks the tables of the sources that match, and their views, so that a writer in progress is
// waited for, never met from behind.
void lock_in_order(const std::string &condition, const Params &params) {
    const Table t =
        pg::query("SELECT base::pg_catalog.oid, facts::pg_catalog.oid FROM kpi.source s WHERE " +
                      condition + " ORDER BY base::pg_catalog.oid, facts::pg_catalog.oid",
                  params);
    for (const size_t column : {size_t(0), size_t(1)})
        for (const Row &row : t.rows)
            if (id(row[column]).value != 0 &&
                *pg::value("SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = $1)",
                           {id(row[column])}) == "t")
                pg::execute(fmt::format("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
                                        pg::qualified(id(row[column]))));
}

// A facts view about to be replaced or altered. Writers keep it locked to their end, and PostgreSQL
// would queue for it, with every later writer behind. Only for a caller who may go on to alter it.
void lock_facts(ObjectId relation, ObjectId caller) {
    const auto owned = pg::value(
        "SELECT true FROM kpi.source s JOIN pg_catalog.pg_class c ON c.oid = s.facts WHERE s.facts "
        "= $1 AND s.capture = 'trigger' AND pg_catalog.pg_has_role($2, c.relowner, 'USAGE')",
        {relation, caller});
    if (owned) lock_view(relation);
}

std::vector<std::string> ids(const std::vector<ObjectId> &relations) {
    std::vector<std::string> out;
    out.reserve(relations.size());
    for (const ObjectId relation : relations) out.push_back(std::to_string(relation.value));
    return out;
}

}  // namespace

void before_ddl(const pg::Ddl &ddl) {
    if (!anything_tracked()) return;
    const ObjectId caller = pg::current_role();
    const pg::RunAs as_extension_owner(pg::extension_owner());
    if (ddl.target.value != 0) {
        lock_facts(ddl.target, caller);
        if (!ddl.detach_concurrently) return;
        // Its first transaction, which is this one, takes the partition out of the facts view; the
        // end of the command may be far, or never come.
        for (const Tracked &tracked : tracked_through(ddl.target))
            mark_dirty(tracked.source, "DETACH PARTITION CONCURRENTLY");
    } else if (ddl.tag == "DROP EXTENSION") {
        for (const std::string &name : ddl.names) {
            if (name != "kpi_ext") continue;
            pg::exclusive_extension();
            lock_in_order("true", {});
        }
    } else if (ddl.tag == "DROP SCHEMA") {
        for (const std::string &name : ddl.names)
            if (name == "kpi" || name == "kpi_data") pg::exclusive_extension();
        lock_in_order(
            "EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
            "c.relnamespace "
            "WHERE c.oid IN (s.base, s.facts) AND (n.nspname = ANY ($1) OR 'kpi' = ANY ($1) OR "
            "'kpi_data' = ANY ($1)))",
            {ddl.names});
    } else if (ddl.tag == "DROP OWNED") {
        lock_in_order("true", {});
    } else if (!ddl.relations.empty()) {
        lock_in_order("s.facts = ANY ($1::pg_catalog.oid[]) OR s.base = ANY ($1::pg_catalog.oid[])",
                      {ids(ddl.relations)});
    }
}

void after_ddl(const pg::Ddl &ddl) {
    if (pg::in_own_script() || !anything_tracked()) return;
    const Table commands = pg::query(
        "SELECT DISTINCT c.classid::pg_catalog.regclass::text, c.objid, c.object_type FROM "
        "pg_catalog.pg_event_trigger_ddl_commands() c WHERE c.objid IS NOT NULL ORDER BY 2");
    const pg::RunAs as_extension_owner(pg::extension_owner());
    if (ddl.rename == pg::Ddl::Rename::trigger) return refuse_trigger_rename(ddl);
    if (ddl.rename == pg::Ddl::Rename::column)
        return follow_column(ddl.renamed, ddl.old_name, ddl.new_name);
    for (const Row &row : commands.rows) {
        const std::string &catalog = *row[0];
        const ObjectId object = id(row[1]);
        const std::string &type = *row[2];
        if (catalog == "pg_rewrite") {
            if (const ObjectId view = view_of_rule(object); view.value != 0)
                after_view_change(view);
        } else if (catalog != "pg_class") {
            if (!ddl.adds_enum_value) after_object_change(catalog, object, type + " changed");
        } else if (type == "view") {
            if (ddl.owner) follow_owners();
            after_view_change(object);
        } else if (ddl.tag == "ALTER TABLE" || ddl.tag == "ALTER FOREIGN TABLE") {
            after_alter_table(ddl, object);
        } else if (ddl.tag == "CREATE TABLE" || ddl.tag == "CREATE FOREIGN TABLE") {
            after_create_table(object);
        }
    }
}

void after_drop(const pg::Ddl &ddl) {
    if (!anything_tracked()) return;
    const Table dropped = pg::query(
        "SELECT d.classid::pg_catalog.regclass::text, d.objid, d.original, d.object_name, "
        "d.object_identity, d.address_names "
        "FROM pg_catalog.pg_event_trigger_dropped_objects() d "
        "WHERE d.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass, "
        "'pg_catalog.pg_trigger'::pg_catalog.regclass) "
        "AND d.objsubid = 0");
    const pg::RunAs as_extension_owner(pg::extension_owner());
    for (const Row &row : dropped.rows) {
        if (*row[0] != "pg_class") continue;
        const auto source = pg::value("SELECT name FROM kpi.source WHERE facts = $1", {id(row[1])});
        if (source)
            facts_dropped(*source, *row[2] == "t" && !ddl.cascade && ddl.tag == "DROP VIEW");
    }
    // A capture trigger that went while its source stays: a partition was dropped or detached, or
    // somebody dropped it.
    const Table lost = pg::query(
        "SELECT s.name FROM kpi.source s WHERE 'kpi_capture_' || s.name = ANY ("
        "SELECT d.address_names[pg_catalog.array_upper(d.address_names, 1)] FROM "
        "pg_catalog.pg_event_trigger_dropped_objects() d "
        "WHERE d.object_type = 'trigger') ORDER BY 1");
    for (const Row &row : lost.rows) mark_dirty(*row[0], "partition or capture trigger dropped");
}

}  // namespace kpi::engine
