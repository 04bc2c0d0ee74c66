// The constants of the default detector, one set a grain. The daily ones are chosen on the DEV
// series by what holds on both halves of them; what the hourly ones are worth on products they were
// not chosen on is measured by bench/detect_holdout.cpp (bench/README.md has the figures).
#include "detect/robust.hpp"

namespace kpi::detect {

namespace {

constexpr Tuning kDaily = {
    .alpha = .08,
    .beta = .004,
    .damp = .98,
    .gamma = .06,
    .lambda = .04,
    .season_prior = 1,
    .doubt = 2,
    .clip = 1.7,
    .flagged_gain = .25,
    .variance_clip = 2.2,
    .process_share = .25,
    .threshold = 3.1,
    .fast = .5,
    .slow = .2,
    .evidence_clip = 3,
    .evidence_gate = 1,
    .shift_z = 2.5,
    .shift_run = 5,
    .plain_power = 0,
    .event_sd = .5,
    .event_prior = 2,
    .partial_sd = .15,
    .cooldown = 0,
    .cooldown_share = 0,
    .warmup = 28,
    .least = 14,
    .body = 1.1,
    .tail = 2.3,
};

constexpr Tuning hourly() {
    Tuning t = kDaily;
    t.alpha = .025;
    t.beta = .0005;
    t.gamma = .10;
    t.lambda = .01;
    t.season_prior = 2;
    t.doubt = 4;
    t.clip = 2;
    t.variance_clip = 2.5;
    t.threshold = 4.1;
    t.fast = .4;
    t.slow = 0;
    t.evidence_clip = 2.5;
    t.shift_run = 12;
    t.plain_power = .35;
    t.cooldown = 24;
    t.cooldown_share = .7;
    t.warmup = 192;
    t.least = 48;
    return t;
}

constexpr Tuning other() {
    Tuning t = kDaily;
    t.warmup = 28;
    t.least = 8;
    return t;
}

constexpr Tuning kHourly = hourly();
constexpr Tuning kOther = other();

}  // namespace

const Tuning &tuning_for(Frequency grain) {
    if (grain == Frequency::hour) return kHourly;
    return grain == Frequency::day ? kDaily : kOther;
}

}  // namespace kpi::detect
