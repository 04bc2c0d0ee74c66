#include "engine/registry/unit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "engine/registry/define.hpp"
#include "pg/lock.hpp"

namespace kpi::engine {
namespace {

constexpr size_t kLongest = 20;  // bytes of a unit: it stands behind every number
constexpr int64_t kMostDecimals = 10;

bool is_currency(const std::string &code) {
    return code.size() == 3 &&
           std::all_of(code.begin(), code.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_unit(const std::string &unit) {
    return !unit.empty() && unit.size() <= kLongest &&
           std::none_of(unit.begin(), unit.end(),
                        [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

void check(const Unit &unit) {
    if (unit.currency && !is_currency(*unit.currency))
        throw Error("22023", fmt::format("currency \"{}\" is no currency", *unit.currency), {},
                    "Use the three capitals of ISO 4217, for example EUR.");
    if (unit.unit && !is_unit(*unit.unit))
        throw Error("22023", "argument \"unit\" must be a short text",
                    fmt::format("It has at most {} bytes and no control characters.", kLongest),
                    "For example s, kg or %.");
    if (unit.currency && unit.unit == "%")
        throw Error("22023", "a metric in per cent has no currency", {}, "Give one of the two.");
    if (unit.decimals && (*unit.decimals < 0 || *unit.decimals > kMostDecimals))
        throw Error("22023", "argument \"decimals\" is out of range",
                    fmt::format("It must be between 0 and {}.", kMostDecimals));
}

}  // namespace

void set_unit(const std::string &metric, const Unit &unit) {
    check(unit);
    (void)own_metric(metric);
    const auto maybe = [](const std::optional<std::string> &text) {
        return text ? Param(*text) : Param(Null{});
    };
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::execute(
        "UPDATE kpi.metric SET unit = $2, currency = $3, decimals = $4::pg_catalog.int2 WHERE name "
        "= $1",
        {metric, maybe(unit.unit ? unit.unit : unit.currency), maybe(unit.currency),
         unit.decimals ? Param(*unit.decimals) : Param(Null{})});
}

}  // namespace kpi::engine
