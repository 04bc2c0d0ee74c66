#include "detect/detector.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/error.hpp"
#include "detect/numbers.hpp"
#include "detect/season.hpp"
#include "detect/stl.hpp"
#include "detect/tails.hpp"

namespace kpi::detect {

namespace {

struct Named {
    std::string_view name;
    Method method;
    int window;  // values, for the methods with a trailing window
    double threshold;
};

constexpr std::array<Named, 9> kMethods{{
    {"robust", Method::robust, 1, 0},
    {"zscore", Method::zscore, 28, 3},
    {"robust_z", Method::robust_z, 28, 3.5},
    {"ratio", Method::ratio, 7, 0.3},
    {"percentile", Method::percentile, 56, 1e-9},
    {"weekday", Method::weekday, 8, 3.5},
    {"tukey", Method::tukey, 56, 1.5},
    {"stl", Method::stl, 28, 3.5},
    {"ewma", Method::ewma, 1, 3},
}};
constexpr double kFittedSigma = 1.5;  // errors one step on against remainders inside the fit
constexpr double kEwmaWeight = 0.1;
constexpr double kLowQuantile = 0.01, kHighQuantile = 0.99;

const Named &named(Method method) { return kMethods[static_cast<std::size_t>(method)]; }

int seasons_kept(Frequency grain) { return grain == Frequency::hour ? 10 : 8; }

}  // namespace

Method method_by_name(std::string_view name) {
    for (const Named &m : kMethods) {
        if (m.name == name) return m.method;
    }
    throw Error("22023", "unknown detection method \"" + std::string(name) + "\"", {},
                "Use robust, zscore, robust_z, ratio, percentile, weekday, tukey, stl or ewma.");
}

double default_threshold(Method method, Frequency grain) {
    return method == Method::robust ? tuning_for(grain).threshold : named(method).threshold;
}

Detector::Detector(Method method, const Options &options)
    : method_(method), options_(options), robust_(make_state(options)) {
    if (method == Method::robust || method == Method::ewma) return;
    const int cells = method == Method::weekday ? cell_count(options.grain) : 1;
    Window w;
    w.capacity = named(method).window;
    windows_.assign(static_cast<std::size_t>(cells), w);
    memory_.assign(static_cast<std::size_t>(2 * cells * w.capacity), 0.0);
}

Window &Detector::window_of(std::int64_t period) {
    if (method_ != Method::weekday) return windows_[0];
    return windows_[static_cast<std::size_t>(cell_of(options_.grain, period))];
}

Memory Detector::memory_of(std::int64_t period) {
    const auto size = static_cast<std::size_t>(named(method_).window);
    const auto cell = static_cast<std::size_t>(&window_of(period) - windows_.data());
    const std::span<double> all(memory_);
    return {all.subspan(2 * cell * size, size), all.subspan((2 * cell + 1) * size, size)};
}

std::optional<Detector::Baseline> Detector::by_window(Window &w, Memory memory, double value,
                                                      double threshold) {
    if (w.size < 2) return std::nullopt;
    const auto around = [&](double centre, double sigma) {
        const double half = threshold * sigma;
        return Baseline{centre, centre - half, centre + half,
                        in_sigmas(value - centre, sigma, centre)};
    };
    if (method_ == Method::zscore) return around(w.mean, standard_deviation(w));
    if (method_ == Method::robust_z || method_ == Method::weekday) {
        return around(median_of(w, memory), sigma_of(w, memory));
    }
    if (method_ == Method::ratio) {
        const auto r = ratio(w, value);
        if (!r) return std::nullopt;
        const double half = threshold * std::fabs(w.mean);
        return Baseline{w.mean, w.mean - half, w.mean + half, w.mean > 0 ? *r - 1 : 1 - *r, false};
    }
    const bool fences = method_ == Method::tukey;
    const double lo = quantile_of(w, memory, fences ? 0.25 : kLowQuantile);
    const double hi = quantile_of(w, memory, fences ? 0.75 : kHighQuantile);
    const double half = threshold * (hi - lo);
    const double off = value < lo ? value - lo : value > hi ? value - hi : 0;
    return Baseline{median_of(w, memory), lo - half, hi + half, in_sigmas(off, hi - lo, hi), false};
}

std::optional<Detector::Baseline> Detector::by_stl(double value, std::int64_t period,
                                                   double threshold) {
    const int turn = std::max(season_length(options_.grain), 2);
    const auto usable =
        std::count_if(history_.begin(), history_.end(), [](double v) { return std::isfinite(v); });
    if (history_.size() < static_cast<std::size_t>(3 * turn) || usable < 2 * turn) {
        return std::nullopt;
    }
    if (cycle_.empty() || period - fitted_ >= std::max(turn / 4, 1)) {
        const Decomposition d = stl(history_, turn, Fit::robust);
        trend_ = d.trend.back();
        cycle_.assign(d.seasonal.end() - turn, d.seasonal.end());
        std::vector<double> left;
        for (double r : d.remainder) {
            if (std::isfinite(r)) left.push_back(r);
        }
        sigma_ = kFittedSigma * mad_sigma(left, 0);
        fitted_ = last_ + 1;
    }
    const double centre = trend_ + cycle_[static_cast<std::size_t>((period - fitted_) % turn)];
    const Memory errors = memory_of(period);
    const double sigma = windows_[0].size >= turn ? sigma_of(windows_[0], errors) : sigma_;
    const double half = threshold * sigma;
    push(windows_[0], errors, value - centre);
    return Baseline{centre, centre - half, centre + half, in_sigmas(value - centre, sigma, centre)};
}

std::optional<Detector::Baseline> Detector::by_ewma(double value, double threshold) const {
    if (observed_ < 2) return std::nullopt;
    const double sigma = std::sqrt(variance_), half = threshold * sigma;
    return Baseline{mean_, mean_ - half, mean_ + half, in_sigmas(value - mean_, sigma, mean_)};
}

std::optional<Detector::Baseline> Detector::baseline(double value, std::int64_t period,
                                                     double threshold) {
    if (method_ == Method::stl) return by_stl(value, period, threshold);
    if (method_ == Method::ewma) return by_ewma(value, threshold);
    return by_window(window_of(period), memory_of(period), value, threshold);
}

void Detector::take(double value, std::int64_t period) {
    if (method_ == Method::ewma) {
        const double weight = std::max(kEwmaWeight, 1.0 / (observed_ + 1));
        const double off = value - mean_;
        mean_ += weight * off;
        variance_ = (1 - weight) * (variance_ + weight * off * off);
    } else if (method_ == Method::stl) {
        const auto keep =
            static_cast<std::size_t>(seasons_kept(options_.grain) * season_length(options_.grain));
        const std::int64_t gap = observed_ > 0 ? std::min<std::int64_t>(period - last_, keep) : 1;
        history_.insert(history_.end(), static_cast<std::size_t>(gap - 1), kMissing);
        history_.push_back(value);
        if (history_.size() > keep) {
            history_.erase(history_.begin(), history_.end() - static_cast<std::ptrdiff_t>(keep));
        }
    } else {
        push(window_of(period), memory_of(period), value);
    }
}

Verdict Detector::observe(const Point &point) {
    if (method_ == Method::robust) return detect::observe(robust_, point);
    if (observed_ > 0 && point.period <= last_) {
        throw Error("22000", "periods must be in ascending order, each at most once",
                    "A point's period is not after the one before it.",
                    "Order the rows by time and aggregate to one row per period.");
    }
    Verdict v;
    v.type = Type::missing;
    if (!is_usable(point)) return v;
    const bool open = point.fraction < 1;
    v.type = Type::partial;
    if (open && options_.partial == Partial::skip) return v;
    const bool accumulates = options_.kind != Kind::rate && options_.kind != Kind::level &&
                             !std::isfinite(point.denominator);
    const double share = open && accumulates ? std::max(point.fraction, 1e-6) : 1;
    const double value = point.value / share;
    const double threshold = std::isfinite(options_.threshold)
                                 ? options_.threshold
                                 : default_threshold(method_, options_.grain);
    v.type = Type::learning;
    const auto b = baseline(value, point.period, threshold);
    if (b && observed_ + 1 >= options_.min_history) {
        v.type = Type::none;
        // A ratio to a mean near zero has no bound of its own.
        v.z = std::clamp(b->deviation, -kImpossible, kImpossible);
        v.score = std::fabs(v.z);
        if (b->in_sigmas) v.p = std::min(2 * normal_upper(v.score), 1.0);
        v.expected = b->expected * share;
        v.lower = b->lower * share;
        v.upper = b->upper * share;
        v.is_anomaly = v.score > threshold && point.effect != Effect::ignore &&
                       on_watched_side(options_.direction, v.z);
        if (v.is_anomaly) v.type = v.z > 0 ? Type::spike : Type::dip;
    }
    if (open) return v;
    take(value, point.period);
    last_ = point.period;
    if (observed_ < INT32_MAX) ++observed_;
    return v;
}

}  // namespace kpi::detect
