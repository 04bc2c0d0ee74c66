#include "detect/scale.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "detect/numbers.hpp"

namespace kpi::detect {

namespace {

constexpr double kSmallCount =
    12;  // median up to which a daily count is modelled on the root scale
constexpr double kManyZeros = 0.02;    // share of zeros from which the log scale would bend
constexpr double kLargestModel = 700;  // exp() overflows beyond 709

struct Facts {
    double low = 0, high = 0, median = 0, zeros = 0;
    bool whole = true;
};

Facts facts_of(std::span<const double> values) {
    Facts f;
    std::vector<double> copy(values.begin(), values.end());
    f.median = median(copy);
    f.low = *std::min_element(values.begin(), values.end());
    f.high = *std::max_element(values.begin(), values.end());
    for (double v : values) {
        f.zeros += v == 0 ? 1.0 / static_cast<double>(values.size()) : 0;
        f.whole = f.whole && v == std::floor(v);
    }
    return f;
}

Kind resolve(Kind asked, const Facts &f, bool has_trials) {
    if (asked == Kind::automatic) {
        if (has_trials) return Kind::rate;
        if (f.low < 0) return Kind::level;
        return f.whole ? Kind::count : Kind::amount;
    }
    return asked;
}

}  // namespace

double Scale::forward(double value, double trials) const {
    switch (shape) {
        case Shape::logarithm:
            return std::log(std::max(value, 0.0) + offset);
        case Shape::root:
            return std::sqrt(std::max(value, 0.0) + offset);
        case Shape::logit: {
            const double hits = std::clamp(value / unit, 0.0, 1.0) * trials;
            return std::log((hits + 0.5) / (trials - hits + 0.5));
        }
        case Shape::identity:
            break;
    }
    return value;
}

double Scale::inverse(double model) const {
    switch (shape) {
        case Shape::logarithm:
            return std::max(std::exp(std::min(model, kLargestModel)) - offset, 0.0);
        case Shape::root:
            return model > 0 ? std::max(model * model - offset, 0.0) : 0;
        case Shape::logit:
            return unit / (1 + std::exp(-std::clamp(model, -kLargestModel, kLargestModel)));
        case Shape::identity:
            break;
    }
    return model;
}

Scale::Band Scale::band(double model, double half) const {
    if (shape != Shape::logarithm || std::fabs(model) + half > kLargestModel) {
        return {inverse(model), inverse(model - half), inverse(model + half)};
    }
    const double middle = std::exp(model), factor = std::exp(half);
    return {std::max(middle - offset, 0.0), std::max(middle / factor - offset, 0.0),
            std::max(middle * factor - offset, 0.0)};
}

double Scale::sampling_variance(double model, double trials) const {
    if (shape == Shape::logit) {
        const double p = 1 / (1 + std::exp(-std::clamp(model, -30.0, 30.0)));
        return 1 / std::max(trials * p * (1 - p), 0.5);
    }
    if (kind != Kind::count) return 0;
    if (shape == Shape::root) return 0.25;
    if (shape != Shape::logarithm) return 0;
    return 1 / std::max(std::exp(std::min(model, kLargestModel)) - offset, 0.5);
}

double Scale::relative_unit(double model) const {
    if (shape == Shape::root) return 0.5 * std::max(model, 0.0);
    if (shape == Shape::identity) return std::fabs(model);
    return 1;
}

Scale choose_scale(const Options &options, std::span<const double> values, bool has_trials) {
    const Facts f = facts_of(values);
    Scale s;
    s.kind = resolve(options.kind, f, has_trials);
    if (f.low < 0) {
        if (s.kind == Kind::count)
            s.kind = Kind::amount;  // net of something: no count has values below zero
        if (s.kind == Kind::rate) s.kind = Kind::level;
        return s;
    }
    if (s.kind == Kind::rate && has_trials && f.high <= 100) {
        s.shape = Shape::logit;
        s.unit = f.high > 1 ? 100 : 1;
        return s;
    }
    const bool small = s.kind == Kind::count && f.median <= kSmallCount;
    if (options.grain == Frequency::hour || small || f.zeros >= kManyZeros) {
        s.shape = Shape::root;
        s.offset = s.kind == Kind::count ? 0.375 : 0.01 * f.median;
        return s;
    }
    s.shape = Shape::logarithm;
    s.offset = 0.01 * f.median;
    return s;
}

}  // namespace kpi::detect
