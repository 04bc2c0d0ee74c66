#include "core/sketch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kpi {
namespace {

// Far from any power: the smallest error and the whole range of a double need 3.7 million.
constexpr std::int32_t kOne = 1 << 24;  // the bucket that ends with 1
constexpr std::int32_t kInfinity = 1 << 25;
constexpr std::int32_t kNaN = kInfinity + 1;

std::int64_t rows_of(const Sketch &sketch) {
    std::int64_t out = 0;
    for (const SketchCount &count : sketch) out += count.rows;
    return out;
}

}  // namespace

SketchScale::SketchScale(double error)
    : log_gamma_(std::log1p(error) - std::log1p(-error)), log_middle_(std::log1p(-error)) {}

std::int32_t SketchScale::bucket(double value) const {
    if (std::isnan(value)) return kNaN;
    if (std::isinf(value)) return value > 0 ? kInfinity : -kInfinity;
    const double size = std::fabs(value);
    if (size < std::numeric_limits<double>::min()) return 0;
    const auto power = std::int32_t(std::ceil(std::log(size) / log_gamma_));
    return value > 0 ? kOne + power : -(kOne + power);
}

double SketchScale::value(std::int32_t bucket) const {
    if (bucket == 0) return 0;
    if (bucket == kNaN) return std::numeric_limits<double>::quiet_NaN();
    const double sign = bucket > 0 ? 1 : -1;
    if (std::abs(bucket) == kInfinity) return sign * std::numeric_limits<double>::infinity();
    const double size = std::exp((std::abs(bucket) - kOne) * log_gamma_ + log_middle_);
    return sign * std::min(size, std::numeric_limits<double>::max());
}

Sketch merged(const Sketch &a, const Sketch &b) {
    Sketch out;
    out.reserve(a.size() + b.size());
    std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out),
               [](const SketchCount &x, const SketchCount &y) { return x.bucket < y.bucket; });
    size_t last = 0;
    for (size_t i = 1; i < out.size(); ++i) {
        if (out[i].bucket == out[last].bucket)
            out[last].rows += out[i].rows;
        else
            out[++last] = out[i];
    }
    if (!out.empty()) out.resize(last + 1);
    return out;
}

std::optional<double> percentile(const Sketch &sketch, const SketchScale &scale, double share) {
    if (sketch.empty()) return std::nullopt;
    const std::int64_t all = rows_of(sketch);
    const auto rank =
        std::clamp<std::int64_t>(std::int64_t(std::ceil(share * double(all))), 1, all);
    std::int64_t so_far = 0;
    for (const SketchCount &count : sketch)
        if ((so_far += count.rows) >= rank) return scale.value(count.bucket);
    return scale.value(sketch.back().bucket);
}

std::optional<double> share_below(const Sketch &sketch, const SketchScale &scale, double limit) {
    if (sketch.empty()) return std::nullopt;
    const std::int32_t end = scale.bucket(limit);
    std::int64_t below = 0;
    for (const SketchCount &count : sketch)
        if (count.bucket < end) below += count.rows;
    return double(below) / double(rows_of(sketch));
}

}  // namespace kpi
