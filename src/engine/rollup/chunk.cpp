#include "engine/rollup/chunk.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/rollup/settings.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

constexpr double kChunkRows = 500000;
// A part must cost at most this share of the whole, or reading by parts reads everything again and
// again.
constexpr double kWorthwhile = 0.3;
constexpr int kLongest = 1 << 14;  // days

struct Estimate {
    double rows = 0, cost = 0;
};

// What the planner thinks of reading the facts since a day; nothing is read.
Estimate estimate(const Layout &source, const DayRange &days) {
    std::string condition;
    if (days.from != "-infinity")
        condition += fmt::format(" AND {} >= {}::date", source.time_column, pg::literal(days.from));
    if (days.to != "infinity")
        condition += fmt::format(" AND {} < {}::date", source.time_column, pg::literal(days.to));
    const auto text = pg::value(
        fmt::format("EXPLAIN (FORMAT JSON) SELECT FROM {} WHERE true{}", source.facts, condition));
    const auto plan = nlohmann::json::parse(text.value_or("[]")).at(0).at("Plan");
    return {plan.at("Plan Rows").get<double>(), plan.at("Total Cost").get<double>()};
}

std::string days_before(const std::string &day, int days) {
    return pg::value(
               "SELECT CASE WHEN isfinite($1::date) THEN $1::date ELSE current_date + 1 END - "
               "$2::int4",
               {day, int64_t(days)})
        .value_or("-infinity");
}

}  // namespace

DayRange latest_chunk(const Layout &source, const DayRange &days) {
    const pg::RunAs as_owner(source.info.owner, pg::Restriction::code);
    const pg::LocalSettings settings = plain_settings();
    const Estimate whole = estimate(source, days);
    if (whole.rows <= kChunkRows) return days;
    DayRange chunk = days;
    for (int length = 1; length <= kLongest; length *= 2) {
        const DayRange longer{days_before(days.to, length), days.to};
        const bool covers =
            pg::value("SELECT $1::date <= $2::date", {longer.from, days.from}) == "t";
        if (covers) return days;
        const Estimate part = estimate(source, longer);
        if (part.cost > kWorthwhile * whole.cost) break;
        chunk = longer;
        if (part.rows > kChunkRows / 2) break;
    }
    return chunk;
}

}  // namespace kpi::engine
