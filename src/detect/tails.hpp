// Tail probabilities: from a deviation to a chance and back.
//
// Units:   z in sigmas, p in (0, 1]; all tails are upper tails unless said otherwise.
// Range:   results are never 0 nor above 1; p is floored at 1e-300.
// Sources: mid-p (Lancaster 1961); negative binomial counts in surveillance (Farrington 1996,
//          Noufaily 2013); normal quantile by Acklam's rational approximation with one Halley step;
//          Student t upper tail through the regularised incomplete beta (Lentz continued fraction).
#pragma once

namespace kpi::detect {

double normal_upper(double z);     // P(N > z)
double normal_quantile(double p);  // z with P(N <= z) = p, 0 < p < 1
double student_upper(double t, double df);

// Mid-p of a count y >= 0 with mean mu > 0 and variance phi * mu (phi >= 1; phi = 1 is Poisson),
// turned into a signed z. Counts beyond 400 use the deviance; the result is finite.
double count_z(double y, double mu, double phi);

}  // namespace kpi::detect
