// What kpi_web counts of itself, in Prometheus' text format 0.0.4.
#pragma once

#include <string>

#include "web/stats.hpp"

namespace kpi::web {

std::string self_metrics(const Stats &stats);

}  // namespace kpi::web
