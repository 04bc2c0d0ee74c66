#include "detect/mix.hpp"

#include "core/error.hpp"

namespace kpi::detect {

Presence presence_of(double before, double after) {
    if (before > 0) return after > 0 ? Presence::both : Presence::vanished;
    return after > 0 ? Presence::appeared : Presence::neither;
}

std::vector<Split> split_ratio(std::span<const Part> parts) {
    Part all;
    for (const Part &p : parts) {
        all.before_value += p.before_value;
        all.before_weight += p.before_weight;
        all.after_value += p.after_value;
        all.after_weight += p.after_weight;
    }
    if (!(all.before_weight > 0) || !(all.after_weight > 0)) {
        throw Error("22012", "a ratio without a denominator cannot be explained");
    }
    const double middle =
        0.5 * (all.before_value / all.before_weight + all.after_value / all.after_weight);
    std::vector<Split> out;
    for (const Part &p : parts) {
        Split s;
        s.presence = presence_of(p.before_weight, p.after_weight);
        const bool was = p.before_weight > 0, is = p.after_weight > 0;
        const double r0 = was  ? p.before_value / p.before_weight
                          : is ? p.after_value / p.after_weight
                               : 0;
        const double r1 = is ? p.after_value / p.after_weight : r0;
        const double w0 = p.before_weight / all.before_weight;
        const double w1 = p.after_weight / all.after_weight;
        s.rate = 0.5 * (w0 + w1) * (r1 - r0);
        s.mix = (w1 - w0) * (0.5 * (r0 + r1) - middle);
        out.push_back(s);
    }
    return out;
}

}  // namespace kpi::detect
