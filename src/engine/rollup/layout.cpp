#include "engine/rollup/layout.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

constexpr const char *kColumns = R"(
SELECT coalesce(s.base::oid, 0), pg_catalog.to_regclass($2)::oid, a.attname,
       pg_catalog.format_type(a.atttypid, NULL), pg_catalog.to_regclass($3)::oid,
       pg_catalog.to_regclass($4)::oid
  FROM kpi.source s
  JOIN pg_catalog.pg_attribute a ON a.attrelid = s.facts
       AND a.attname = s.time_column AND NOT a.attisdropped
 WHERE s.name = $1)";

ObjectId object(const Cell &cell) { return {uint32_t(std::stoul(cell.value_or("0")))}; }

}  // namespace

std::vector<int> Layout::levels() const {
    std::vector<int> out{0};
    for (size_t i = 0; i < width(); ++i) out.push_back(1 << i);
    if (width() > 1) out.push_back(info.full_level());
    for (const KeptInfo &column : info.kept) out.push_back(info.kept_level(column.position));
    return out;
}

std::string Layout::segment_levels() const {
    std::string out = fmt::format("'{{{}", info.full_level());
    for (const KeptInfo &column : info.kept)
        out += fmt::format(",{}", info.kept_level(column.position));
    return out + "}'::int2[]";
}

std::string Layout::dims(const std::string &prefix) const {
    std::string out;
    for (size_t i = 0; i < width(); ++i)
        out += fmt::format("{}{}d{}", i == 0 ? "" : ", ", prefix, i + 1);
    for (size_t i = 0; i < info.kept.size(); ++i)
        out += fmt::format("{}{}v{}", out.empty() ? "" : ", ", prefix, i + 1);
    return out;
}

std::string Layout::more_dims(const std::string &prefix) const {
    return has_keys() ? ", " + dims(prefix) : std::string();
}

std::vector<std::string> Layout::sums() const {
    std::vector<std::string> out;
    for (size_t i = 0; i < info.measures.size(); ++i) {
        out.push_back(fmt::format("m{}", i + 1));
        if (info.measures[i].kind != MeasureKind::numeric) continue;
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
    if (!has_keys()) return "0::int8";
    return fmt::format("pg_catalog.hash_record_extended(ROW({}), 0)", dims(prefix));
}

std::string Layout::same_segment(const std::string &left, const std::string &right) const {
    if (!has_keys()) return {};
    return fmt::format(" AND {} = {} AND pg_catalog.record_eq(ROW({}), ROW({}))",
                       segment_hash(left), segment_hash(right), dims(left), dims(right));
}

Layout load_layout(const std::string &source, pg::Access access) {
    Layout out;
    out.info = load_source(source, access);
    out.facts = pg::qualified(out.info.facts);
    out.delta = data_table(source, "delta");
    out.day = data_table(source, "rollup_day");
    out.hour = data_table(source, "rollup_hour");
    out.so_far = data_table(source, "so_far");
    const Table columns =
        pg::query(kColumns, {source, out.delta, out.day, out.hour}, {.access = access});
    if (columns.empty() || !columns.rows[0][1] || !columns.rows[0][4] || !columns.rows[0][5])
        throw Error("42704",
                    fmt::format("the time column or the tables of source \"{}\" are gone", source),
                    {}, "Call kpi.untrack and kpi.track again.");
    const Row &row = columns.rows[0];
    out.base = object(row[0]);
    out.delta_id = object(row[1]);
    out.day_id = object(row[4]);
    out.hour_id = object(row[5]);
    out.time_column = pg::quote(row[2].value_or(""));
    out.time_type = row[3].value_or("");
    return out;
}

}  // namespace kpi::engine
