// Which share of an open period's total is usually there by now.
//
// Purpose: the expectation of a day that is not over. A segment with few events cannot tell its own
//          shape of the day: its past days by this hour are mostly 0. It borrows that of all
//          segments, and they borrow from the clock while they have few events themselves.
// Sources: shrinkage towards a pooled estimate, as the posterior mean of a share under a Dirichlet
//          prior (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.4 and 5).
// Units:   amounts of the metric in a usual period and in its part so far; shares in (0, 1].
#pragma once

namespace kpi::detect {

struct UsualPeriod {
    double so_far = 0;  // of a usual period, up to the same time
    double whole = 0;   // of a usual period
};

// NaN is no value. `elapsed`: share of the period's time that is over.
double open_share(const UsualPeriod &own, const UsualPeriod &pooled, double elapsed);

}  // namespace kpi::detect
