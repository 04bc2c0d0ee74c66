#include "detect/segments.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/error.hpp"

namespace kpi::detect {

std::vector<bool> benjamini_hochberg(std::span<const double> p, double q) {
    if (!(q > 0 && q < 1)) throw Error("22023", "q must be between 0 and 1");
    std::vector<double> sorted;
    for (double x : p) {
        if (!std::isnan(x)) sorted.push_back(x);
    }
    std::sort(sorted.begin(), sorted.end());
    const auto m = static_cast<double>(sorted.size());
    double cut = -1;
    for (std::size_t k = 0; k < sorted.size(); ++k) {
        if (sorted[k] <= q * static_cast<double>(k + 1) / m) cut = sorted[k];
    }
    std::vector<bool> out;
    for (double x : p) out.push_back(x <= cut);
    return out;
}

}  // namespace kpi::detect
