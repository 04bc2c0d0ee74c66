#include "detect/tails.hpp"

#include <algorithm>
#include <cmath>

namespace kpi::detect {

namespace {

constexpr double kFloor = 1e-300;
constexpr double kLongestSum = 400;
constexpr double kPoisson = 1.0001;  // a dispersion up to this is none

// Central branch and tails of Acklam's approximation (relative error 1e-9 before the Halley step).
double acklam(double p) {
    constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                            1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
    constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                            6.680131188771972e+01, -1.328068155288572e+01};
    constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                            -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                            3.754408661907416e+00};
    auto tail = [&](double q) {
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
               ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    };
    if (p < 0.02425) return tail(std::sqrt(-2 * std::log(p)));
    if (p > 1 - 0.02425) return -tail(std::sqrt(-2 * std::log1p(-p)));
    const double q = p - 0.5, r = q * q;
    return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
           (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

// Continued fraction of the incomplete beta function, modified Lentz.
double beta_fraction(double a, double b, double x) {
    constexpr double tiny = 1e-300;
    auto away = [](double v) { return std::fabs(v) < tiny ? tiny : v; };
    double c = 1, d = 1 / away(1 - (a + b) * x / (a + 1)), h = d;
    for (int m = 1; m <= 200; ++m) {
        const double k = m;
        const double even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
        d = 1 / away(1 + even * d);
        c = away(1 + even / c);
        h *= d * c;
        const double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1));
        d = 1 / away(1 + odd * d);
        c = away(1 + odd / c);
        const double step = d * c;
        h *= step;
        if (std::fabs(step - 1) < 1e-12) break;
    }
    return h;
}

double incomplete_beta(double a, double b, double x) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                  a * std::log(x) + b * std::log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

// Log of P(Y = 0) and the ratio P(k+1)/P(k) of the negative binomial (Poisson when phi is 1).
struct Counts {
    double mu, phi;
    double log_zero() const { return phi > kPoisson ? -mu / (phi - 1) * std::log(phi) : -mu; }
    double ratio(double k) const {
        if (phi <= kPoisson) return mu / (k + 1);
        const double size = mu / (phi - 1);
        return (k + size) / (k + 1) * (phi - 1) / phi;
    }
};

// Signed root of the deviance: the same tail without the sum, close when the count is large.
double deviance_z(double y, double mu, double phi) {
    double half = y * std::log(y / mu);
    if (phi > kPoisson) {
        const double size = mu / (phi - 1);
        half -= (y + size) * std::log((y + size) / (mu + size));
    } else {
        half -= y - mu;
    }
    return std::copysign(std::sqrt(2 * std::max(half, 0.0)), y - mu);
}

}  // namespace

double normal_upper(double z) { return std::max(0.5 * std::erfc(z * M_SQRT1_2), kFloor); }

double normal_quantile(double p) {
    const double x = acklam(p);
    if (std::fabs(x) > 8) return x;  // the Halley step would only add rounding noise out there
    const double e = 0.5 * std::erfc(-x * M_SQRT1_2) - p;
    const double u = e * 2.5066282746310002 * std::exp(x * x / 2);
    return x - u / (1 + x * u / 2);
}

double student_upper(double t, double df) {
    const double tail = 0.5 * incomplete_beta(df / 2, 0.5, df / (df + t * t));
    return std::max(t >= 0 ? tail : 1 - tail, kFloor);
}

double count_z(double y, double mu, double phi) {
    const double whole = std::floor(y);
    if (whole > kLongestSum) return deviance_z(y, mu, phi);
    const Counts law{mu, phi};
    if (y <= mu) {
        double mass = std::exp(law.log_zero()), below = 0;
        for (double k = 0; k < whole; ++k) {
            below += mass;
            mass *= law.ratio(k);
        }
        const double p = std::clamp(below + 0.5 * mass, kFloor, 1 - 1e-16);
        return normal_quantile(p);
    }
    double mass = std::exp(law.log_zero());
    for (double k = 0; k < whole; ++k) mass *= law.ratio(k);
    double above = 0.5 * mass;
    for (double k = whole; k < whole + 2000; ++k) {
        mass *= law.ratio(k);
        above += mass;
        if (mass < 1e-12 * above) break;
    }
    return -normal_quantile(std::clamp(above, kFloor, 1 - 1e-16));
}

}  // namespace kpi::detect
