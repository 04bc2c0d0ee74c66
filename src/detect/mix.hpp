// Why a ratio moved: because segments got better or worse, or because their weights changed.
//
// Formula: with r = numerator / denominator and w = share of the denominators, before (0) and after
// (1):
//            rate effect = (w0 + w1) / 2 * (r1 - r0)
//            mix effect  = (w1 - w0) * ((r0 + r1) / 2 - (R0 + R1) / 2)
//          Both sum over the segments to R1 - R0 exactly (symmetric split, Marshall 1885, Edgeworth
//          1925 weights). A segment that is new or has vanished has no rate of its own on one side:
//          all of it is mix.
// Units:   the ratio's own; numerators any sign, denominators >= 0 and not all zero on either side.
// Errors:  22012 when a side has no denominator at all.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kpi::detect {

struct Part {
    double before_value = 0, before_weight = 0, after_value = 0, after_weight = 0;
};

enum class Presence : std::uint8_t { both, appeared, vanished, neither };

struct Split {
    double rate = 0, mix = 0;
    Presence presence = Presence::both;
};

Presence presence_of(double before, double after);
std::vector<Split> split_ratio(std::span<const Part> parts);

}  // namespace kpi::detect
