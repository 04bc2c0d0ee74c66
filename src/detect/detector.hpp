// Every detector behind one interface: points in, verdicts out.
//
// Purpose: the familiar detectors beside the default one, so that they can be chosen by name and
// compared. Methods: robust      the default (robust.hpp)
//          zscore      mean and standard deviation of the last 28 values, flagged beyond 3
//          robust_z    median and MAD of the last 28, beyond 3.5
//          ratio       value / mean of the last 7; score = |ratio - 1|, flagged beyond 0.3
//          percentile  outside the 1 % to 99 % band of the last 56; score = distance in widths of
//                      the band
//          weekday     median and MAD of the last 8 values of the same cell of the season, beyond
//                      3.5
//          tukey       quartiles of the last 56; score = distance in interquartile ranges, beyond
//                      1.5
//          stl         decomposition of the last 8 weeks (hourly 10 days), carried one step on; MAD
//                      of the last 28 such errors, beyond 3.5
//          ewma        exponentially weighted mean and variance, weight 0.1, beyond 3
// Rules:   the tested point is never in its own baseline. Calendar days marked `ignore` are not
//          flagged; an open period is skipped, or compared with its share of the expected total,
//          and is not learnt from.
// Units:   scores as above, >= 0; p is two-sided normal for the methods in sigmas, NaN for the
//          others.
// Errors:  22023 for bad options, 22000 for periods that do not grow.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "detect/robust.hpp"
#include "detect/types.hpp"
#include "detect/window.hpp"

namespace kpi::detect {

enum class Method : std::uint8_t {
    robust,
    zscore,
    robust_z,
    ratio,
    percentile,
    weekday,
    tukey,
    stl,
    ewma,
};

// Raises 22023 for an unknown name.
Method method_by_name(std::string_view name);
double default_threshold(Method method, Frequency grain);

class Detector {
public:
    Detector(Method method, const Options &options);
    Verdict observe(const Point &point);
    // The state of the default detector; only for Method::robust.
    const State &state() const { return robust_; }

private:
    // What a baseline says about the next value before it is seen.
    struct Baseline {
        double expected = 0, lower = 0, upper = 0;  // band at the threshold
        double deviation = 0;                       // signed score of the value
        bool in_sigmas = true;
    };
    std::optional<Baseline> baseline(double value, std::int64_t period, double threshold);
    std::optional<Baseline> by_window(Window &w, Memory memory, double value, double threshold);
    std::optional<Baseline> by_stl(double value, std::int64_t period, double threshold);
    std::optional<Baseline> by_ewma(double value, double threshold) const;
    void take(double value, std::int64_t period);
    Window &window_of(std::int64_t period);
    Memory memory_of(std::int64_t period);

    Method method_;
    Options options_;
    State robust_;
    std::vector<Window> windows_;     // one, or one a cell of the season
    std::vector<double> memory_;      // rings, then ascending copies
    std::vector<double> history_;     // stl: the last seasons on the full grid, NaN in gaps
    std::vector<double> cycle_;       // stl: the last fitted season
    double trend_ = 0, sigma_ = 0;    // stl
    std::int64_t fitted_ = 0;         // stl: period after the last fitted one
    double mean_ = 0, variance_ = 0;  // ewma
    std::int64_t last_ = 0;
    int observed_ = 0;
};

}  // namespace kpi::detect
