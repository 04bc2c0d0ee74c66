#include "monitor/check/rights.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/similar_names.hpp"
#include "pg/input.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {

void demand_name(const char *what, const std::string &name) {
    if (!name.empty() && name.size() < 64) return;
    throw Error("22023", fmt::format("name of a {} must have from 1 to 63 bytes", what));
}

void demand_severity(const std::string &severity) {
    if (severity == "info" || severity == "warning" || severity == "critical") return;
    throw Error("22023", fmt::format("severity cannot be \"{}\"", severity), {},
                "Use one of \"info\", \"warning\", \"critical\".");
}

void demand_every(const std::string &interval) {
    pg::check_value("interval", interval);
    if (pg::value("SELECT $1::pg_catalog.interval >= '1 second'", {interval}) == "t") return;
    throw Error("22023", "argument \"every\" must be at least one second");
}

void demand_select(ObjectId role, ObjectId relation) {
    const Cell allowed =
        pg::value("SELECT pg_catalog.has_table_privilege($1, $2, 'SELECT')", {role, relation});
    if (!allowed)
        throw Error("42P01", fmt::format("relation with OID {} does not exist", relation.value));
    if (allowed == "t") return;
    throw Error("42501", fmt::format("permission denied for {}", pg::qualified(relation)), {},
                "A check reads as the role that adds it.");
}

void demand_column(ObjectId relation, const std::string &column) {
    const Table found = pg::query(
        "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT "
        "attisdropped ORDER BY attnum",
        {relation});
    std::vector<std::string> names;
    for (const Row &row : found.rows) names.push_back(*row[0]);
    if (std::find(names.begin(), names.end(), column) != names.end()) return;
    const std::string similar = near(column, names);
    constexpr size_t kListed = 8;
    std::string hint = fmt::format("\\d {} lists its columns.", pg::qualified(relation));
    if (names.size() <= kListed) hint = fmt::format("Its columns are {}.", quoted_list(names));
    if (!similar.empty()) hint = fmt::format("Perhaps you meant {}.", similar);
    throw Error("42703", fmt::format("{} has no column \"{}\"", pg::qualified(relation), column),
                {}, hint);
}

void demand_source(ObjectId role, const std::string &source) {
    const Cell owns = pg::value(
        "SELECT pg_catalog.pg_has_role($1, c.relowner, 'USAGE') FROM kpi.source s JOIN "
        "pg_catalog.pg_class c ON c.oid = s.facts WHERE s.name = $2",
        {role, source});
    if (owns == "t") return;
    throw Error("42501", fmt::format("must be owner of source \"{}\"", source),
                "While a check of a source fails, the rules of the source keep quiet.",
                "Without source the check opens an incident of its own.");
}

void demand_run(ObjectId role, ObjectId owner, const std::string &what) {
    if (pg::value("SELECT kpi._may_run($1, $2)", {role, owner}) == "t") return;
    throw Error("42501", fmt::format("must be owner of {}", what), {},
                "Members of kpi_operator may run those of others.");
}

void demand_sinks(const std::vector<std::string> &sinks) {
    const Cell missing = pg::value(
        "SELECT u FROM pg_catalog.unnest($1) u WHERE NOT EXISTS (SELECT FROM kpi.sink s WHERE "
        "s.name = u) LIMIT 1",
        {sinks});
    if (missing)
        throw Error("42704", fmt::format("sink \"{}\" does not exist", *missing), {},
                    "Add it with kpi.add_sink.");
}

Error unknown_check(const std::string &name) {
    return {"42704",
            fmt::format("check \"{}\" does not exist", name),
            {},
            "SELECT name FROM kpi.check_status lists those that you may run."};
}

void mark_sensitive(ObjectId caller, ObjectId relation, const std::string &column, bool sensitive) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Table found = pg::query(
        "SELECT pg_catalog.pg_has_role($1, relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = "
        "$2",
        {caller, relation});
    if (found.empty())
        throw Error("42P01", fmt::format("relation with OID {} does not exist", relation.value));
    if (found.rows[0][0] != "t")
        throw Error("42501", fmt::format("must be owner of {}", pg::qualified(relation)));
    if (!sensitive) {
        pg::execute("DELETE FROM kpi.sensitive_column WHERE relation = $1 AND column_name = $2",
                    {relation, column});
        return;
    }
    demand_column(relation, column);
    pg::execute(
        "INSERT INTO kpi.sensitive_column (relation, column_name) VALUES ($1, $2) ON CONFLICT DO "
        "NOTHING",
        {relation, column});
    // Which of them hold a value of it nobody knows any more.
    pg::execute("UPDATE kpi.check_result SET sample = NULL WHERE sample IS NOT NULL");
}

}  // namespace kpi::monitor
