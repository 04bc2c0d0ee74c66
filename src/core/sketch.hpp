// Percentiles out of counts: DDSketch without a limit of its size (Masson, Rim, Lee 2019,
// "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees"). A bucket
// stands for the values between two powers of gamma = (1 + error) / (1 - error); only how many rows
// each has is kept, so sketches add and subtract exactly. Buckets are numbered in the order of
// their values.
//
// Units: an error of 0.01 is 1 % of the value. Values of less than about 2.2e-308 count as 0.
// Infinities and NaN have buckets of their own and come back as they are; NaN is the greatest, as
// PostgreSQL has it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace kpi {

inline constexpr double kLeastError = 0.0001, kGreatestError = 0.5, kUsualError = 0.01;

class SketchScale {
public:
    SketchScale() = default;
    // Within the limits above.
    explicit SketchScale(double error);
    // The number of the bucket of a value: 0 for 0, negative for what is negative.
    std::int32_t bucket(double value) const;
    // What every value of the bucket is within the error of.
    double value(std::int32_t bucket) const;

private:
    double log_gamma_ = 1;
    double log_middle_ = 0;  // of the value that stands for a bucket, from its upper end
};

struct SketchCount {
    std::int32_t bucket;
    std::int64_t rows;  // > 0
};
// By bucket, each once.
using Sketch = std::vector<SketchCount>;

// Of the rows of both.
Sketch merged(const Sketch &a, const Sketch &b);

// The first value that `share` (0 to 1) of the rows are not greater than, as percentile_disc has
// it, within the error; nullopt: there are no rows.
std::optional<double> percentile(const Sketch &sketch, const SketchScale &scale, double share);
// Which share of the rows is less than the limit. What is in the limit's own bucket is not told
// apart from it and is not counted.
std::optional<double> share_below(const Sketch &sketch, const SketchScale &scale, double limit);

}  // namespace kpi
