#include "engine/query/past_sums.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/capture/own_changes.hpp"
#include "engine/query/groups.hpp"

namespace kpi::engine {
namespace {

int level_of(const Group &group, const SourceInfo &source) {
    int bits = 0;
    for (const std::string &dimension : group.by) bits |= 1 << require_dimension(source, dimension);
    for (const Filter &filter : group.filters)
        bits |= 1 << require_dimension(source, filter.dimension);
    return level_with(source, bits);
}

// $1 the level that will be read. A day with rows has some of every level that is kept.
std::string statement(const std::string &source) {
    const std::string delta = data_table(source, "delta");
    const std::string table = data_table(source, "so_far");
    std::string sql = fmt::format(
        "SELECT s.day - date '2000-01-01', (extract(epoch FROM s.hour - timestamptz '2000-01-01 "
        "00:00+00') * 1000000)::int8 FROM {0} s WHERE s.level = 0 AND EXISTS (SELECT FROM {0} l "
        "WHERE l.level = $1 AND l.day = s.day AND l.hour = s.hour) AND s.day NOT IN (SELECT d.day "
        "FROM {1} d)",
        table, delta);
    if (capture::has_own_changes())
        sql += fmt::format(" AND s.day NOT IN (SELECT p.day FROM kpi._pending(NULL::{}) p)", delta);
    return sql;
}

}  // namespace

void find_past_sums(const Group &group, std::vector<SourceDays> &sources) {
    const bool usable = std::all_of(
        group.sources.begin(), group.sources.end(),
        [](const SourceUse &use) { return use.days.by_trigger && use.counted.empty(); });
    if (!usable || pg::value("SELECT pg_catalog.pg_is_in_recovery()", {}, kRead) == "t") return;
    for (size_t i = 0; i < sources.size(); ++i) {
        const SourceInfo &source = group.sources[i].info;
        const Table found =
            pg::query(statement(source.name), {int64_t(level_of(group, source))}, kRead);
        for (const Row &row : found.rows) {
            const Date day{int32_t(std::stol(*row[0]))};
            if (!sources[i].dirty.contain(day))
                sources[i].so_far.emplace_back(day, Timestamp{std::stoll(*row[1])});
        }
    }
}

}  // namespace kpi::engine
