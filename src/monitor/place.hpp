// Where a metric is among the series that were read.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/query/series.hpp"

namespace kpi::monitor {

// A metric in the set that has it.
struct Place {
    const engine::SeriesSet *set = nullptr;
    size_t metric = 0;

    const double *values(const std::string &segment) const {
        if (set == nullptr) return nullptr;
        const auto found = set->segment(segment);
        return found ? set->values_of(metric, *found) : nullptr;
    }
    double expected(const std::string &segment) const {
        const auto found = set == nullptr ? std::nullopt : set->segment(segment);
        return found ? set->expected[metric * set->segments.size() + *found]
                     : std::numeric_limits<double>::quiet_NaN();
    }
};

inline Place place_of(const std::vector<engine::SeriesSet> &sets, const std::string &metric) {
    for (const engine::SeriesSet &set : sets)
        for (size_t i = 0; i < set.metrics.size(); ++i)
            if (set.metrics[i] == metric) return {&set, i};
    return {};
}

}  // namespace kpi::monitor
