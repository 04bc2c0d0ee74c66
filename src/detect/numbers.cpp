#include "detect/numbers.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace kpi::detect {

double median(std::span<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    return 0.5 * *middle + 0.5 * *std::max_element(values.begin(), middle);
}

double mad_sigma(std::span<double> values, double centre) {
    for (double &v : values) v = std::fabs(v - centre);
    return 1.4826 * median(values);
}

double quantile_sorted(std::span<const double> ascending, double q) {
    if (ascending.empty()) return 0;
    const double place = q * static_cast<double>(ascending.size() - 1);
    const auto low = static_cast<std::size_t>(place);
    if (low + 1 >= ascending.size()) return ascending.back();
    const double share = place - static_cast<double>(low);
    return ascending[low] + share * (ascending[low + 1] - ascending[low]);
}

}  // namespace kpi::detect
