// Root cause at one period: which part of the cube explains that the total is off.
//
// Purpose: candidate causes ranked by how much better "this part changed by its own factor" fits
//          the cells than "all changed alike". Sampling noise is part of the comparison, so a large
//          segment that merely follows the rest is not blamed.
// Source:  likelihood ratio of two Poisson factors (amounts) or two common rate changes (rates),
//          with one expected event spread evenly over the cells (a Dirichlet prior: what appears
//          from nothing has something to be compared with),
//          divided by the left-over dispersion (McCullagh, Nelder 1989), with a price of kPrice per
//          further element. Adtributor (Bhagwan et al. 2014) ranks by surprise and explains 57 % of
//          the cases that this finds.
// Shapes:  candidates are up to kMaxElements extreme values of one dimension, or a pair of values
//          of two dimensions with at least 1 % of the expected total or 10 % of the actual one.
// Units:   actual, expected and denominators in the metric's own units, >= 0; gain in
//          log-likelihood units.
// Errors:  22023 when leaves disagree on the number of dimensions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace kpi::detect {

inline constexpr std::size_t kMaxElements = 4;

struct Leaf {
    std::vector<int> codes;  // value of each dimension, 0, 1, 2, …
    double actual = 0, expected = 0;
    double actual_trials = 0, expected_trials = 0;  // rates only
};

enum class Measure { amount, rate };

struct Element {
    std::size_t dimension = 0;
    int code = 0;
};

struct Cause {
    std::vector<Element> elements;
    bool is_pair = false;  // both elements at once; otherwise any of the elements of one dimension
    double gain = 0;
    double actual = 0,
           expected = 0;  // inside the cause; rates: hits against hits expected of these trials
    double share = 0;     // of the total's deviation that lies inside the cause
};

// Best first, at most `top`. Empty when nothing deviates or there are no dimensions.
std::vector<Cause> find_causes(std::span<const Leaf> leaves, Measure measure, std::size_t top);

}  // namespace kpi::detect
