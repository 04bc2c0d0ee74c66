// Questions about rows: how many there are in a window, and how many of them are bad.
#pragma once

#include <nlohmann/json.hpp>

#include "monitor/check/question.hpp"

namespace kpi::monitor {

// null_rate, range of a column, uniqueness, referential, accepted_values.
Question row_question(const Check &check, const nlohmann::json &parameters);

}  // namespace kpi::monitor
