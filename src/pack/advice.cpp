#include "pack/advice.hpp"

#include <fmt/format.h>

#include "pg/sql.hpp"

namespace kpi::pack {

std::vector<std::string> index_advice(ObjectId table, const std::string &time_column) {
    const Table t = pg::query(
        "SELECT c.oid, c.relkind FROM (SELECT $1::pg_catalog.oid AS oid, 0 AS level UNION "
        "SELECT relid, level FROM pg_catalog.pg_partition_tree($1::pg_catalog.regclass)) p "
        "JOIN pg_catalog.pg_class c USING (oid) WHERE (c.relkind = 'r' OR p.level = 0) "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a "
        "ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid "
        "AND i.indisvalid AND i.indpred IS NULL AND a.attname = $2::pg_catalog.name) "
        "ORDER BY c.relkind DESC, c.oid",
        {table, time_column});
    std::vector<std::string> out;
    for (const Row &row : t.rows)
        out.push_back(fmt::format(
            "CREATE INDEX {}ON {} ({})", *row[1] == "r" ? "CONCURRENTLY " : "",
            pg::qualified(ObjectId{uint32_t(std::stoul(*row[0]))}), pg::quote(time_column)));
    return out;
}

}  // namespace kpi::pack
