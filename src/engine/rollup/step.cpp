#include "engine/rollup/step.hpp"

namespace kpi::engine {

Step step_of(const Table &touched) {
    Step step;
    step.rows = std::stoll(touched.rows.at(0)[0].value_or("0"));
    if (touched.rows.size() > kMaxDays + 1) return step;
    for (const Row &row : touched.rows)
        if (row[1]) step.days.push_back(*row[1]);
    return step;
}

}  // namespace kpi::engine
