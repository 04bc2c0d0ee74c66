#include "engine/registry/target.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "engine/registry/define.hpp"
#include "pg/lock.hpp"

namespace kpi::engine {
namespace {

constexpr int kLongest = 3660;  // days: ten years

void check(const Target &target) {
    const Date earliest = date({1900, 1, 1}), latest = date({2999, 12, 31});
    for (const auto &[name, day] :
         {std::pair{"first_day", target.first}, {"last_day", target.last}})
        if (day < earliest || day > latest)
            throw Error("22023", fmt::format("argument \"{}\" must be between {} and {}", name,
                                             iso(earliest), iso(latest)));
    if (target.last < target.first)
        throw Error("22023", "argument \"last_day\" is before first_day", {},
                    "Both days are included: one day alone is given twice.");
    if (target.last - target.first >= kLongest)
        throw Error("22023", "a target of more than ten years is none");
    if (target.value && (*target.value == "NaN" || target.value->find("Inf") != std::string::npos))
        throw Error("22023", "argument \"value\" must be a finite number");
}

}  // namespace

void set_target(const Target &target) {
    check(target);
    (void)own_metric(target.metric);
    // As the caller: the segment is one that can be asked for.
    (void)pg::query(
        "SELECT 1 FROM kpi.query(ARRAY[$1], $2, $2, filters => $3, max_rows => NULL, expected => "
        "false)",
        {target.metric, iso(target.first), Json{target.segment}});
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const Params key = {target.metric, Json{target.segment}, target.first, target.last};
    pg::execute(
        "DELETE FROM kpi.target WHERE metric = $1 AND segment = $2 AND first_day = $3 AND last_day "
        "= $4",
        key);
    if (!target.value) return;
    const Table other = pg::query(
        "SELECT first_day, last_day FROM kpi.target WHERE metric = $1 AND segment = $2 AND "
        "first_day <= $4 AND last_day >= $3 ORDER BY first_day LIMIT 1",
        key);
    if (!other.empty())
        throw Error("55000",
                    fmt::format("metric \"{}\" has a target of {} to {} already", target.metric,
                                *other.rows[0][0], *other.rows[0][1]),
                    {}, "Remove it with a value of NULL for its own days, or choose other days.");
    pg::execute(
        "INSERT INTO kpi.target (metric, segment, first_day, last_day, value) VALUES ($1, $2, $3, "
        "$4, $5::pg_catalog.numeric)",
        {target.metric, Json{target.segment}, target.first, target.last, *target.value});
}

}  // namespace kpi::engine
