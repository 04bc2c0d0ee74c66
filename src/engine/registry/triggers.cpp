#include "engine/registry/triggers.hpp"

#include <fmt/format.h>

#include <functional>

#include "core/error.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// Shorter than deadlock_timeout (1 s): whoever deadlocks with us, we give up, never the writer. And
// short for those who queue behind us while we wait for a long transaction.
constexpr const char *kLockTimeout = "100ms";
constexpr int kLockTries = 60;

// Ours on the base table and its partitions that are enabled, but not ALWAYS: name and table.
Table half_enabled(const std::string &source, ObjectId base) {
    return pg::query(
        "SELECT t.tgname, t.tgrelid::pg_catalog.oid FROM pg_catalog.pg_trigger t WHERE t.tgenabled "
        "IN ('O', 'R') AND t.tgname IN ($2::pg_catalog.name, $3::pg_catalog.name) AND t.tgrelid IN "
        "(SELECT $1::pg_catalog.oid UNION SELECT relid FROM "
        "pg_catalog.pg_partition_tree($1::pg_catalog.regclass))",
        {base, "kpi_capture_" + source, "kpi_truncate_" + source});
}

bool is_missing(const std::string &trigger, ObjectId relation) {
    return *pg::value(
               "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = $1 AND tgname "
               "= $2::pg_catalog.name)",
               {relation, trigger}) == "t";
}

// Takes locks in short tries, so that writers queue behind us for kLockTimeout at most. One that is
// busy lets the others go as well.
void in_short_tries(const std::string &relations, const std::function<void()> &lock) {
    for (int attempt = 1;; ++attempt) {
        try {
            pg::Savepoint savepoint;
            const pg::LocalSettings settings{{{"lock_timeout", kLockTimeout}}};
            lock();
            savepoint.release();
            return;
        } catch (const Error &error) {
            if (error.sqlstate != "55P03") throw;
            if (attempt == kLockTries)
                throw Error("55P03",
                            fmt::format("could not lock {} in {} tries", relations, kLockTries),
                            "A long transaction writes to it or holds a lock on it.",
                            "Try again when it has ended; pg_stat_activity and pg_locks show it.");
        }
        pg::execute("SELECT pg_catalog.pg_sleep(0.2)");
    }
}

}  // namespace

void lock_bases(const std::string &bases, const char *mode) {
    in_short_tries(bases,
                   [&] { pg::execute(fmt::format("LOCK TABLE {} IN {} MODE", bases, mode)); });
}

void lock_view(ObjectId view) {
    in_short_tries(pg::qualified(view), [view] { pg::lock_alone(view); });
}

void lock_with_base(ObjectId base, const std::vector<ObjectId> &relations) {
    std::string names = base.value == 0 ? std::string() : pg::qualified(base);
    for (const ObjectId relation : relations)
        names += (names.empty() ? "" : ", ") + pg::qualified(relation);
    in_short_tries(names, [&] {
        if (base.value != 0)
            pg::execute(
                fmt::format("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", pg::qualified(base)));
        for (const ObjectId relation : relations) pg::lock_alone(relation);
    });
}

void create_row_trigger(const std::string &source, ObjectId base) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const std::string table = pg::qualified(base);
    const std::string trigger = pg::quote("kpi_capture_" + source);
    pg::execute(fmt::format(
        "CREATE TRIGGER {} AFTER INSERT OR UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION "
        "kpi.capture({})",
        trigger, table, pg::literal(source)));
    pg::execute(fmt::format("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}", table, trigger));
}

void create_truncate_triggers(const std::string &source, ObjectId base) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const Table t = pg::query(
        "SELECT p.oid FROM (SELECT $1::pg_catalog.oid AS oid UNION SELECT relid FROM "
        "pg_catalog.pg_partition_tree($1::pg_catalog.regclass)) p "
        "WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = p.oid AND "
        "t.tgname = $2::pg_catalog.name)",
        {base, "kpi_truncate_" + source});
    for (const Row &row : t.rows) {
        const std::string table = pg::qualified(ObjectId{uint32_t(std::stoul(*row[0]))});
        const std::string trigger = pg::quote("kpi_truncate_" + source);
        pg::execute(fmt::format(
            "CREATE TRIGGER {} AFTER TRUNCATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION "
            "kpi.capture_truncate({})",
            trigger, table, pg::literal(source)));
        pg::execute(fmt::format("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}", table, trigger));
    }
}

void restore_always(const std::string &source, ObjectId base) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    for (const Row &row : half_enabled(source, base).rows)
        pg::execute(fmt::format("ALTER TABLE ONLY {} ENABLE ALWAYS TRIGGER {}",
                                pg::qualified(ObjectId{uint32_t(std::stoul(*row[1]))}),
                                pg::quote(*row[0])));
}

bool captures_all(const std::string &source, ObjectId base) {
    return *pg::value(
               "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE "
               "i.inhdetachpending AND (i.inhparent = $1 OR EXISTS (SELECT FROM "
               "pg_catalog.pg_partition_ancestors(i.inhparent) a WHERE a.relid = $1))) "
               "AND NOT EXISTS (SELECT FROM (SELECT $1::pg_catalog.oid AS oid UNION SELECT "
               "relid FROM pg_catalog.pg_partition_tree($1::pg_catalog.regclass)) p WHERE NOT "
               "EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = p.oid AND "
               "t.tgenabled = 'A' AND t.tgname = $2::pg_catalog.name))",
               {base, "kpi_capture_" + source}, {.see = pg::See::latest}) == "t";
}

void mend_triggers(const std::string &source, ObjectId base) {
    const bool missing = is_missing("kpi_capture_" + source, base);
    if (!missing && !is_missing("kpi_truncate_" + source, base) &&
        half_enabled(source, base).empty())
        return;
    {
        const pg::RunAs as_extension_owner(pg::extension_owner());
        lock_bases(pg::qualified(base), "SHARE ROW EXCLUSIVE");
    }
    if (missing) create_row_trigger(source, base);
    create_truncate_triggers(source, base);
    restore_always(source, base);
}

}  // namespace kpi::engine
