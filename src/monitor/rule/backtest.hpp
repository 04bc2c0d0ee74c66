// kpi.backtest: how a rule would have behaved. Needs an open Spi and the rights of the extension's
// owner; reads as the role that made the rule. Errors: 22023 for a range out of order or too long.
#pragma once

#include <string>

#include "monitor/rule/rule.hpp"

namespace kpi::monitor {

// A JSON object: incidents (buckets in a row that are bad), firings a week, the threshold at which
// there would have been one a month, what people have said of its real incidents.
std::string backtest(Rule rule, Timestamp start, Timestamp end);

}  // namespace kpi::monitor
