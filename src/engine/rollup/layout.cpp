#include "engine/rollup/layout.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

constexpr const char *kSource = R"(
SELECT s.facts::oid, coalesce(s.base::oid, 0), c.relowner, s.capture, s.timezone, a.attname, pg_catalog.format_type(a.atttypid, NULL)
  FROM kpi.source s
  JOIN pg_catalog.pg_class c ON c.oid = s.facts
  JOIN pg_catalog.pg_attribute a ON a.attrelid = s.facts AND a.attname = s.time_column AND NOT a.attisdropped
 WHERE s.name = $1)";

ObjectId object(const Cell &cell) { return {uint32_t(std::stoul(cell.value_or("0")))}; }

}  // namespace

std::vector<int> Layout::levels() const {
    std::vector<int> out{0};
    for (size_t i = 0; i < dimensions.size(); ++i) out.push_back(1 << i);
    if (dimensions.size() > 1) out.push_back(full_level());
    return out;
}

std::string Layout::dims(const std::string &prefix) const {
    std::string out;
    for (size_t i = 0; i < dimensions.size(); ++i)
        out += fmt::format("{}{}d{}", i == 0 ? "" : ", ", prefix, i + 1);
    return out;
}

std::string Layout::more_dims(const std::string &prefix) const {
    return dimensions.empty() ? std::string() : ", " + dims(prefix);
}

std::vector<std::string> Layout::sums() const {
    std::vector<std::string> out;
    for (size_t i = 0; i < kinds.size(); ++i) {
        out.push_back(fmt::format("m{}", i + 1));
        if (kinds[i] != MeasureKind::numeric) continue;
        for (const char *special : {"nan", "pinf", "ninf"})
            out.push_back(fmt::format("m{}_{}", i + 1, special));
    }
    return out;
}

std::string Layout::each_sum(const std::string &text) const {
    std::string out;
    for (const std::string &column : sums()) out += ", " + fmt::format(fmt::runtime(text), column);
    return out;
}

std::string Layout::segment_hash(const std::string &prefix) const {
    if (dimensions.empty()) return "0::int8";
    return fmt::format("pg_catalog.hash_record_extended(ROW({}), 0)", dims(prefix));
}

std::string Layout::same_segment(const std::string &left, const std::string &right) const {
    if (dimensions.empty()) return {};
    return fmt::format(" AND {} = {} AND pg_catalog.record_eq(ROW({}), ROW({}))",
                       segment_hash(left), segment_hash(right), dims(left), dims(right));
}

Layout load_layout(const std::string &source) {
    const Table found = pg::query(kSource, {source});
    if (found.empty())
        throw Error("42704", fmt::format("source \"{}\" does not exist", source), {},
                    "SELECT name FROM kpi.source lists the sources.");
    const Row &row = found.rows[0];
    Layout out;
    out.name = source;
    out.facts_id = object(row[0]);
    out.base_id = object(row[1]);
    out.owner = object(row[2]);
    out.capture = row[3] == "trigger" ? Capture::trigger : Capture::window;
    out.timezone = row[4].value_or("UTC");
    out.time_column = pg::quote(row[5].value_or(""));
    out.time_type = row[6].value_or("");
    out.facts = pg::qualified(out.facts_id);
    out.delta = data_table(source, "delta");
    out.day = data_table(source, "rollup_day");
    out.hour = data_table(source, "rollup_hour");
    out.delta_id = object(pg::value("SELECT pg_catalog.to_regclass($1)::oid", {out.delta}));
    if (out.delta_id.value == 0)
        throw Error("42704", fmt::format("the tables of source \"{}\" are gone", source), {},
                    "Call kpi.untrack and kpi.track again.");
    for (const Row &item :
         pg::query("SELECT pg_catalog.unnest(dimensions) FROM kpi.source WHERE name = $1", {source})
             .rows)
        out.dimensions.push_back(pg::quote(item[0].value_or("")));
    for (const Row &item :
         pg::query("SELECT name, type = 'numeric'::pg_catalog.regtype FROM kpi.measure "
                   "WHERE source = $1 ORDER BY position",
                   {source})
             .rows) {
        out.measures.push_back(pg::quote(item[0].value_or("")));
        out.kinds.push_back(item[1] == "t" ? MeasureKind::numeric : MeasureKind::integer);
    }
    return out;
}

}  // namespace kpi::engine
