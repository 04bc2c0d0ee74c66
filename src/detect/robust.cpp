#include "detect/robust.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "core/error.hpp"
#include "detect/numbers.hpp"
#include "detect/tails.hpp"

namespace kpi::detect {

namespace {

constexpr double kLeastMean = 0.02;
constexpr double kLeastOpenMean = 0.01;
constexpr double kMostInBand = 1000;
constexpr double kFewCounts = 50;     // expected count below which its exact distribution is used
constexpr double kLargestZ = 1e3;     // beyond this a deviation is only "impossible"
constexpr double kPlainMemory = 168;  // periods of the plain mean: a week of hours
constexpr double kLeastEventSd =
    0.15;  // share of the value by which even a well-known calendar day may differ
constexpr double kDriftShare =
    1.2;  // evidence this much stronger than the period alone makes it a drift
constexpr double kLogOfZero = -700;
constexpr int kAlarmGap = 3;  // hours: alarms this close are one alarm

// What the filter expects of one point before it looks at it.
struct Forecast {
    double model = 0;  // expected, in model space
    double own = 0;    // variance of an ordinary period: process and sampling
    double noise = 0;  // the part of it that sampling explains
    double sd = 1;     // of this point, with all doubts
    double share = 1;  // share of the period's total that can be there
    int cell = 0;
    bool special = false;  // calendar day or unfinished: wider, and not learnt from
    bool open = false;     // unfinished
};

EventEffect *find_event(State &s, std::uint32_t event) {
    const auto hit = std::find_if(s.events.begin(), s.events.end(),
                                  [&](const EventEffect &e) { return e.event == event; });
    return hit == s.events.end() ? nullptr : &*hit;
}

void learn_event(State &s, std::uint32_t event, double deviation) {
    EventEffect *e = find_event(s, event);
    if (!e) {
        e = &*std::min_element(s.events.begin(), s.events.end(),
                               [](auto &a, auto &b) { return a.count < b.count; });
        *e = {event, 0, 0};
    }
    e->count = std::min(e->count + 1, 8.0F);
    e->mean += (deviation - e->mean) / e->count;
}

bool is_calendar_day(const Point &point) {
    return point.effect == Effect::ignore || point.effect == Effect::widen;
}

Forecast make_forecast(State &s, const Point &point, const Tuning &t, double trials) {
    Forecast f;
    f.cell = cell_of(s.options.grain, point.period);
    f.model = s.level + s.slope + s.season[f.cell] - s.season_mean;
    f.noise = s.scale.sampling_variance(f.model, trials);
    // On the root scale a Poisson count's noise is 1/4 at any level: there is nothing to split.
    f.own =
        s.scale.shape == Shape::root
            ? s.variance
            : std::max({s.variance - s.sampling, t.process_share * s.variance, s.floor}) + f.noise;
    double variance = f.own * (1 + t.doubt / (t.season_prior + s.cell_seen[f.cell] + 1));
    const double unit = s.scale.shape == Shape::identity ? 4 * std::sqrt(s.variance)
                                                         : s.scale.relative_unit(f.model);
    if (is_calendar_day(point)) {
        double share = t.event_sd;
        if (const EventEffect *e = find_event(s, point.event); e && point.event != 0) {
            const double trust = e->count / (e->count + t.event_prior);
            f.model += e->mean * trust;
            share = std::max(share * std::sqrt(1 - trust), kLeastEventSd);
        }
        variance += share * share * unit * unit;
        f.special = true;
    }
    if (point.fraction < 1) {
        variance += t.partial_sd * t.partial_sd * unit * unit;
        if (s.scale.accumulates()) f.share = std::max(point.fraction, 1e-6);
        f.special = true;
        f.open = true;
    }
    f.sd = std::sqrt(variance);
    return f;
}

// The distribution of a small count: mean, and variance over mean. An open period has the share of
// the mean that is over; of the noise between days as much, and the doubt about the share.
struct FewCounts {
    double mean, phi;
};
std::optional<FewCounts> few_counts(const State &s, const Tuning &t, const Forecast &f) {
    if (s.scale.kind != Kind::count || s.scale.shape == Shape::identity) return std::nullopt;
    if (f.special && !f.open) return std::nullopt;
    const bool root = s.scale.shape == Shape::root;
    const double whole =
        root ? std::max(f.model, 0.0) * f.model - 0.375 + s.variance : s.scale.inverse(f.model);
    const double mean = std::max(whole, kLeastMean) * f.share;
    if (mean >= kFewCounts) return std::nullopt;
    const double phi = std::max(1.0, root ? 4 * s.variance : f.own * std::max(whole, kLeastMean));
    if (!f.open) return FewCounts{mean, phi};
    // A first event in the first minutes of a day is nothing yet.
    const double least = std::max(mean, kLeastOpenMean);
    return FewCounts{least, 1 + (phi - 1) * f.share + t.partial_sd * t.partial_sd * least};
}

// Counts beyond which one is flagged, on either side.
std::pair<double, double> count_band(const FewCounts &law, double threshold) {
    double upper = std::ceil(law.mean), lower = std::floor(law.mean);
    while (upper < kMostInBand && count_z(upper + 1, law.mean, law.phi) <= threshold) ++upper;
    while (lower > 0 && count_z(lower - 1, law.mean, law.phi) >= -threshold) --lower;
    return {lower, upper};
}

// Signed deviation in sigmas. Small counts are judged by their own distribution, not by its
// bell-shaped cousin.
double deviation(const State &s, const Tuning &t, const Forecast &f, double value,
                 double model_value) {
    const double z = std::clamp((model_value - f.model) / f.sd, -kLargestZ, kLargestZ);
    const auto law = few_counts(s, t, f);
    if (!law) return z;
    return std::clamp(count_z(value, law->mean, law->phi), -kLargestZ, kLargestZ);
}

// Adds today's z and returns the evidence in its own sigmas.
double accumulate(Evidence &e, double weight, double z, std::int64_t gap) {
    const double keep =
        gap == 1 ? 1 - weight
                 : std::pow(1 - weight, static_cast<double>(std::min<std::int64_t>(gap, 64)));
    e.sum = keep * e.sum + weight * z;
    e.variance = keep * keep * e.variance + weight * weight;
    return e.sum / std::sqrt(e.variance);
}

// The strongest of: this period alone, a few periods, a few weeks. Evidence counts only when today
// agrees with it.
double strongest(State &s, const Tuning &t, double z, std::int64_t gap) {
    const double today = std::fabs(z);
    const double clipped = std::clamp(z, -t.evidence_clip, t.evidence_clip);
    double best = today;
    const auto consider = [&](Evidence &e, double weight) {
        if (weight <= 0) return;
        const double sum = accumulate(e, weight, clipped, gap);
        if (today > t.evidence_gate && sum * z > 0) best = std::max(best, std::fabs(sum));
    };
    consider(s.fast, t.fast);
    consider(s.slow, t.slow);
    return best;
}

// Mixes in how unusual the value is at all: at the foot of a season a relative deviation is cheap.
double mix_plain(State &s, const Tuning &t, double score, double log_score, double model_value) {
    if (t.plain_power <= 0) return score;
    const double off = model_value - s.plain_mean;
    const double plain = std::fabs(off) / std::sqrt(std::max(s.plain_variance, s.floor));
    s.plain_variance += (off * off - s.plain_variance) / kPlainMemory;
    s.plain_mean += off / kPlainMemory;
    if (score <= 0 || plain <= 0) return 0;
    return std::exp((1 - t.plain_power) * log_score + t.plain_power * std::log(plain));
}

// True when a stronger alarm is so fresh that this one would only repeat it.
bool cools_down(State &s, const Tuning &t, std::int64_t period, double score) {
    const std::int64_t since = period - s.alarm_period;
    const bool running = s.alarmed && since <= kAlarmGap;
    if (s.alarmed && !running && since <= t.cooldown && score < s.alarm_score * t.cooldown_share)
        return true;
    s.alarm_score = running ? std::max(s.alarm_score, score) : score;
    s.alarm_period = period;
    s.alarmed = true;
    return false;
}

// Counts points far off on one side; true when the run is long enough to be a new level, which is
// then taken over.
bool shifts_level(State &s, const Tuning &t, Verdict &v, const Forecast &f, double model_value) {
    const auto side = static_cast<std::int16_t>(v.z > 0 ? 1 : -1);
    if (std::fabs(v.z) <= t.shift_z)
        s.streak = 0;
    else
        s.streak = static_cast<std::int16_t>(s.streak * side > 0 ? s.streak + side : side);
    v.streak = static_cast<std::int16_t>(std::abs(s.streak));
    std::copy(s.recent.begin() + 1, s.recent.end(), s.recent.begin());
    s.recent.back() = model_value - s.season[f.cell] + s.season_mean;
    if (v.streak < t.shift_run) return false;
    auto last = s.recent;
    s.level = median(last);
    s.slope = 0;
    s.streak = 0;
    s.fast.sum = s.slow.sum = 0;
    return true;
}

// One step of the filter, with psi(z) instead of z.
void learn_point(State &s, const Tuning &t, const Forecast &f, double z, double model_value) {
    const double gain = std::fabs(z) > t.threshold ? t.flagged_gain : 1;
    const double step = gain * std::clamp(z, -t.clip, t.clip) * f.sd;
    s.level += s.slope + t.alpha * step;
    s.slope = s.slope * t.damp + t.beta * step;
    const int cells = cell_count(s.options.grain);
    if (cells > 1) {
        const double seen = ++s.cell_seen[f.cell];
        const double add = std::max(t.gamma, 1 / (t.season_prior + seen)) * (1 - t.alpha) * step;
        s.season[f.cell] += add;
        s.season_mean += add / cells;
        s.level += add / cells;
    }
    const double r = std::min(std::fabs(model_value - f.model), t.variance_clip * std::sqrt(f.own));
    s.variance = std::max(s.variance + t.lambda * (1.06 * r * r - s.variance), s.floor);
    s.sampling += t.lambda * (f.noise - s.sampling);
}

// Files the point in the buffer and starts, or starts again, when a season more is there. True: no
// verdict yet.
bool is_learning(State &s, const Point &point, const Tuning &t) {
    std::int64_t slot = point.period - s.first;
    if (slot >= t.warmup && s.started) return false;
    if (slot >= t.warmup) {  // too few points so far: forget the oldest slots
        const std::int64_t drop = std::min<std::int64_t>(slot - t.warmup + 1, t.warmup);
        std::copy(s.early_value.begin() + drop, s.early_value.begin() + t.warmup,
                  s.early_value.begin());
        std::copy(s.early_trials.begin() + drop, s.early_trials.begin() + t.warmup,
                  s.early_trials.begin());
        std::fill(s.early_value.begin() + t.warmup - drop, s.early_value.begin() + t.warmup,
                  kMissing);
        s.first += slot - t.warmup + 1;
        slot = t.warmup - 1;
    }
    const int least = std::clamp(s.options.min_history, t.least, t.warmup);
    const int turn = season_length(s.options.grain);
    const int length = static_cast<int>(slot) + 1;
    const bool again =
        s.started && s.options.grain != Frequency::other && length % turn == 0 && length > least;
    if (!is_calendar_day(point)) {
        s.early_value[slot] = point.value;
        s.early_trials[slot] = point.denominator;
    }
    s.usable = static_cast<std::int32_t>(std::count_if(s.early_value.begin(),
                                                       s.early_value.begin() + length,
                                                       [](double v) { return std::isfinite(v); }));
    if (again) fit_start(s, t, length - 1);  // the point itself is judged by what came before
    if (s.started) return false;
    if (length >= least && 2 * s.usable >= least) fit_start(s, t, length);
    return true;
}

// The verdict by what the state knows, and what the point adds to its running statistics.
Verdict judge(State &s, const Point &point, const Tuning &t, std::int64_t gap) {
    const double trials = std::isfinite(point.denominator) ? point.denominator : s.trials;
    const Forecast f = make_forecast(s, point, t, trials);
    const double model_value = s.scale.forward(point.value / f.share, trials);
    const double threshold = std::isfinite(s.options.threshold) ? s.options.threshold : t.threshold;
    Verdict v;
    v.z = deviation(s, t, f, point.value, model_value);
    const Scale::Band band = s.scale.band(f.model, threshold * f.sd);
    v.expected = band.expected * f.share;
    v.lower = band.lower * f.share;
    v.upper = band.upper * f.share;
    const double strength = f.special ? std::fabs(v.z) : strongest(s, t, v.z, gap);
    const double log_strength = strength > 0 ? std::log(strength) : kLogOfZero;
    const auto open_law = f.open ? few_counts(s, t, f) : std::nullopt;
    if (open_law) {
        v.expected = open_law->mean;
        std::tie(v.lower, v.upper) = count_band(*open_law, threshold);
    }
    // Of a count so far the plain weekly mean says nothing: dividing by the share would make one
    // event a hundred.
    v.score = open_law ? strength : mix_plain(s, t, strength, log_strength, model_value);
    if (s.observed < s.options.min_history) {
        v.score = 0;
        v.type = Type::learning;
    } else {
        v.p = p_of(s.calibration, log_strength);
        // The past has few days that tell how a single event counts: not rarer than its own tail.
        if (open_law) v.p = std::max(v.p, std::min(1.0, 2 * normal_upper(std::fabs(v.z))));
        const bool high = v.score > threshold && point.effect != Effect::ignore &&
                          on_watched_side(s.options.direction, v.z);
        v.is_anomaly = high && !cools_down(s, t, point.period, v.score);
        if (v.is_anomaly)
            v.type = strength > kDriftShare * std::fabs(v.z) ? Type::drift
                     : v.z > 0                               ? Type::spike
                                                             : Type::dip;
        else if (high)
            v.type = Type::suppressed;
    }
    if (f.special) {
        if (point.fraction >= 1)
            learn_event(s, point.event,
                        model_value - (s.level + s.slope + season_at(s, point.period)));
        s.level += s.slope;
        s.slope *= t.damp;
        return v;
    }
    const bool aftermath =
        s.alarmed && point.period - s.alarm_period <= season_length(s.options.grain);
    if (!v.is_anomaly && !aftermath) learn(s.calibration, log_strength);
    if (!shifts_level(s, t, v, f, model_value))
        learn_point(s, t, f, v.z, model_value);
    else if (v.is_anomaly)
        v.type = Type::level_shift;
    return v;
}

}  // namespace

double season_at(const State &s, std::int64_t period) {
    return s.season[cell_of(s.options.grain, period)] - s.season_mean;
}

State make_state(const Options &options) {
    check(options);
    State s;
    s.options = options;
    s.early_value.fill(kMissing);
    s.early_trials.fill(kMissing);
    return s;
}

Verdict observe(State &s, const Point &point) {
    return observe(s, point, tuning_for(s.options.grain));
}

Verdict observe(State &s, const Point &point, const Tuning &t) {
    if (s.observed > 0 && point.period <= s.last) {
        throw Error("22000", "periods must be in ascending order, each at most once",
                    "A point's period is not after the one before it.",
                    "Order the rows by time and aggregate to one row per period.");
    }
    Verdict none;
    none.type = Type::missing;
    if (!is_usable(point)) return none;
    const std::int64_t gap = s.observed > 0 ? point.period - s.last : 1;
    if (point.fraction < 1) {
        none.type = Type::partial;
        if (s.options.partial == Partial::skip || !s.started) return none;
        State copy = s;  // the period comes again when it is over: judge it, but learn nothing
        return judge(copy, point, t, gap);
    }
    if (s.observed == 0) s.first = point.period;
    s.last = point.period;
    if (s.observed < INT32_MAX) ++s.observed;
    none.type = Type::learning;
    return is_learning(s, point, t) ? none : judge(s, point, t, gap);
}

}  // namespace kpi::detect
