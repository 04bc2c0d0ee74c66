// A trailing window of the last usable values: the baseline of the familiar detectors.
//
// Purpose: mean, standard deviation, median, MAD and quantiles of the values before the tested one,
//          in one pass.
// Shapes:  Window is plain bytes; its ring and its ascending copy are memory of the caller,
//          `capacity` doubles each, so that they may live in a window function's partition memory.
//          The ascending copy may be left out (empty span) when only moments are asked for.
// Cost:    moments O(1) a value (Welford 1962, with removal; summed afresh once a turn of the ring,
//          so that rounding does not build up over millions of rows); order statistics O(capacity)
//          moved bytes a value.
// Source:  modified z-score 0.6745 (x - median) / MAD (Iglewicz, Hoaglin 1993).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

namespace kpi::detect {

// A deviation in sigmas; `near` is a number of the series' size, below whose rounding noise is
// none.
double in_sigmas(double off, double sigma, double near);

// A deviation where the past knows no noise at all: "impossible", but a number.
inline constexpr double kImpossible = 1000;

struct Window {
    std::int32_t capacity = 0, size = 0, next = 0;
    double mean = 0, squares = 0;  // squares: sum of squared deviations from the mean
};
static_assert(std::is_trivially_copyable_v<Window>);

struct Memory {
    std::span<double> ring, ascending;
};

// Adds a finite value and forgets the oldest one when full.
void push(Window &w, Memory memory, double value);

// Signed scores of a value against the window, which must not hold it. Empty while fewer than two
// values are there.
std::optional<double> zscore(const Window &w, double value);
std::optional<double> robust_z(const Window &w, Memory memory, double value);
// value / mean of the window; empty when the window is empty or its mean is 0.
std::optional<double> ratio(const Window &w, double value);
// 0 inside the band between the quantiles lo and hi of the window; outside, the distance in widths
// of the band, signed. Empty while fewer than two values are there.
std::optional<double> percentile_band(const Window &w, Memory memory, double value, double lo,
                                      double hi);

double standard_deviation(const Window &w);
double median_of(const Window &w, Memory memory);
double sigma_of(const Window &w, Memory memory);  // 1.4826 * MAD
double quantile_of(const Window &w, Memory memory, double q);

}  // namespace kpi::detect
