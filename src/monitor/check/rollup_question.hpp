// Questions that the rollups of a source, or what its worker keeps, can answer.
#pragma once

#include <nlohmann/json.hpp>

#include "monitor/check/question.hpp"

namespace kpi::monitor {

// missing_periods, volume, drift, capture_errors, range of a metric. nullopt: days that it needs
// are being recomputed.
std::optional<Question> rollup_question(const Check &check, const nlohmann::json &parameters);

}  // namespace kpi::monitor
