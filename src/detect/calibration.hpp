// A p-value that each series earns by its own past: two tracked quantiles of the score fix a
// Weibull tail.
//
// Purpose: scores of calm and of spiky series become comparable, as Benjamini-Hochberg over
//          segments needs.
// Units:   scores in sigmas, >= 0; p in [1e-300, 1].
// Sources: quantiles by stochastic approximation (Robbins, Monro 1951) in the log domain, started
//          at the quantiles of well-behaved series with the weight of kPriorWeight points; tail
//          exp(-(x / scale)^shape) through both. For normal noise this tail is heavier than the
//          normal one beyond 3 sigmas (1.7e-4 for 6e-5 at 4): the price of two numbers a series,
//          and the safe side.
#pragma once

#include <type_traits>

namespace kpi::detect {

struct Calibration {
    double log_body = 0;  // log of the tracked 80 % quantile
    double log_tail = 0;  // log of the tracked 97 % quantile
    double seen = 0;
};
static_assert(std::is_trivially_copyable_v<Calibration>);

Calibration make_calibration(double body, double tail);
// Both take the natural logarithm of the score.
double p_of(const Calibration &c, double log_score);
// Learns from a score that was not flagged.
void learn(Calibration &c, double log_score);

}  // namespace kpi::detect
