// kpi.set_unit: how a metric is shown. Needs an open Spi; runs as the caller, who must own the
// metric.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kpi::engine {

struct Unit {
    std::optional<std::string> unit, currency;  // a currency without a unit is the unit
    std::optional<int64_t> decimals;
};
// Errors: 42704, 42501; 22023 for what is no currency, unit or number of decimals.
void set_unit(const std::string &metric, const Unit &unit);

}  // namespace kpi::engine
