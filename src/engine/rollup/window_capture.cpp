#include "engine/rollup/window_capture.hpp"

#include <fmt/format.h>

#include "engine/rollup/facts_statement.hpp"
#include "engine/rollup/settings.hpp"

namespace kpi::engine {
namespace {

constexpr pg::Options kRead{.access = pg::Access::read_only};

std::vector<DayRange> ranges(const std::string &days) {
    const Table t = pg::query(
        "SELECT coalesce(lower(r), '-infinity'), coalesce(upper(r), 'infinity') FROM "
        "unnest($1::datemultirange) r",
        {days}, kRead);
    std::vector<DayRange> out;
    for (const Row &row : t.rows) out.push_back({*row[0], *row[1]});
    return out;
}

// The columns of the delta table, in its order and with its types: a domain's value becomes one of
// its base type.
std::string statement(const Layout &source, const DayRange &days) {
    std::string dimensions;
    for (size_t i = 0; i < source.width(); ++i)
        dimensions += fmt::format(", d{}::{}", i + 1, source.info.dimensions[i].type);
    return fmt::format("SELECT hour, day, n::int4{}{} FROM {} f", dimensions,
                       source.each_sum("{0}"), facts_rows(source, days, kRead));
}

}  // namespace

void window_facts(const std::string &name, const std::string &days, pg::ResultSet &result) {
    const Layout source = load_layout(name, pg::Access::read_only);
    const pg::RunAs as_owner(source.info.owner, pg::Restriction::code);
    const pg::LocalSettings settings = facts_settings();
    for (const DayRange &range : ranges(days))
        (void)result.append_query(statement(source, range), {}, kRead);
}

}  // namespace kpi::engine
