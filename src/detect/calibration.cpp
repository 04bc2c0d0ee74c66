#include "detect/calibration.hpp"

#include <algorithm>
#include <cmath>

namespace kpi::detect {

namespace {

constexpr double kBody = 0.80, kTail = 0.97;
constexpr double kPriorWeight = 60;  // points
constexpr double kMemory = 500;      // points, so that a series may change its character
// 1 / (density * quantile) of a half-normal at the two quantiles: the step that converges fastest
// there.
constexpr double kBodyStep = 2.2, kTailStep = 6.0;
constexpr double kLogBody = 0.47588499532711;  // log(-log(1 - kBody))
constexpr double kLogTail = 1.25463490028586;  // log(-log(1 - kTail))
constexpr double kLeastRatio =
    0.25;  // log of tail/body; a lighter tail than this is an accident of few points

}  // namespace

Calibration make_calibration(double body, double tail) {
    return {std::log(body), std::log(tail), 0};
}

double p_of(const Calibration &c, double log_score) {
    const double shape = (kLogTail - kLogBody) / std::max(c.log_tail - c.log_body, kLeastRatio);
    const double hazard = std::exp(std::min(kLogTail + shape * (log_score - c.log_tail), 700.0));
    return std::max(std::exp(-hazard), 1e-300);
}

void learn(Calibration &c, double log_score) {
    const double weight = 1 / std::min(kPriorWeight + c.seen, kMemory);
    c.seen = std::min(c.seen + 1, kMemory);
    c.log_body += kBodyStep * weight * ((log_score > c.log_body ? 1.0 : 0.0) - (1 - kBody));
    c.log_tail += kTailStep * weight * ((log_score > c.log_tail ? 1.0 : 0.0) - (1 - kTail));
    c.log_tail = std::max(c.log_tail, c.log_body + kLeastRatio);
}

}  // namespace kpi::detect
