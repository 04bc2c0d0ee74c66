// The scale on which a series is modelled: where its noise is even and its season additive.
//
// Units:   value space <-> model space (dimensionless). forward() is increasing and finite for
//          every usable value; inverse() never leaves the range of the metric (no negative counts,
//          no rate outside [0, unit]).
// Sources: log for multiplicative KPIs; sqrt(y + 3/8) for small counts (Anscombe 1948); empirical
//          logit for rates (Cox 1970).
#pragma once

#include <cstdint>
#include <span>

#include "detect/types.hpp"

namespace kpi::detect {

enum class Shape : std::uint8_t { identity, logarithm, root, logit };

struct Scale {
    Shape shape = Shape::identity;
    Kind kind = Kind::level;  // resolved: never automatic
    double offset = 0;        // log and root: added before the function; keeps zero finite
    double unit = 1;          // logit: what a rate of one is written as (1, or 100 for per cent)

    double forward(double value, double trials) const;
    double inverse(double model) const;
    // Expected value and the band `half` model units around it.
    struct Band {
        double expected, lower, upper;
    };
    Band band(double model, double half) const;
    // Variance in model space that sampling alone causes: counts by their mean, rates by their
    // trials, else 0.
    double sampling_variance(double model, double trials) const;
    // How far the model moves when the value moves by its own size: 1 on the log scale.
    double relative_unit(double model) const;
    // Whether an unfinished period holds a share of the total (counts and amounts do, rates and
    // levels do not).
    bool accumulates() const { return kind == Kind::count || kind == Kind::amount; }
};

// Chooses by the first values of a series (finite ones, not empty). `has_trials`: denominators were
// given.
Scale choose_scale(const Options &options, std::span<const double> values, bool has_trials);

}  // namespace kpi::detect
