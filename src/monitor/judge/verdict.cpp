#include "monitor/judge/verdict.hpp"

#include <algorithm>
#include <cmath>

#include "detect/tails.hpp"

namespace kpi::monitor {
namespace {

constexpr double kClear = 2.5;    // sigmas
constexpr double kOwnSpread = 2;  // sigmas
constexpr double kShapeOfDay = 0.25;
constexpr double kEarliest = 0.02;  // share before which nothing is good either
constexpr double kWhole = 0.9999;
constexpr double kLeastTrials = 30;
constexpr double kSurelySome = 7;  // events: none of so many has a chance below 0.001

// What is judged, in units of the bucket so far.
struct Sight {
    double value, trials, share;
    const Limits *limits;
    double expected;
    bool whole;
};

Sight looked_at(const Inquiry &q, const Outlook &o, const Observed &now) {
    if (q.look == Look::closed)
        return {now.closed, now.closed_trials, 1, &o.closed, o.closed.expected, true};
    const double paced = o.share_then + now.within * (o.share_next - o.share_then);
    const double share = std::clamp(q.paced ? paced : now.elapsed, 0.0, 1.0);
    return {now.open,
            now.open_trials,
            share,
            &o.open,
            q.paced ? o.open.expected * share : o.open.expected,
            share >= kWhole};
}

double spread_of(const Inquiry &q, const Outlook &o, const Sight &at, double limit) {
    const double s = at.share;
    if (q.is_rate) {
        const double rate = std::clamp(limit / q.unit, 0.001, 0.999);
        const double left = at.whole ? 0 : 1 - s;
        return q.unit * std::sqrt(rate * (1 - rate) / std::max(at.trials, 1.0) * left);
    }
    const double size = std::fabs(limit);
    double sigma = o.sigma;
    if (!q.paced) return size * sigma * std::sqrt((1 - s) / std::max(s, kEarliest));
    if (o.counts && size > 0) sigma = std::max(sigma, 1 / std::sqrt(size));
    const double shape = kShapeOfDay * s * (1 - s);
    return size * std::sqrt(sigma * sigma * s * (1 - s) + shape * shape);
}

// Against a limit of the whole bucket. `up`: bad above it.
Seen against(const Inquiry &q, const Outlook &o, const Sight &at, double limit, bool up) {
    if (std::isnan(limit) || std::isnan(at.value)) return Seen::unclear;
    const double sign = up ? -1 : 1;  // positive distances are on the good side
    const double by_now = q.paced ? limit * at.share : limit;
    const double margin = std::fabs(by_now) * q.hysteresis / 100;
    const double distance = sign * (at.value - by_now);
    if (at.whole) {
        if (distance < 0) return Seen::bad;
        return distance >= margin ? Seen::good : Seen::unclear;
    }
    // More than the whole may have is certain at once.
    if (up && q.paced && at.value > limit) return Seen::bad;
    if (limit <= 0 && q.paced) return Seen::unclear;
    if (up && q.paced)
        return at.share >= kEarliest && distance >= margin ? Seen::good : Seen::unclear;
    if (distance < 0 && -distance >= kClear * spread_of(q, o, at, limit)) return Seen::bad;
    return at.share >= kEarliest && distance >= margin ? Seen::good : Seen::unclear;
}

void judge_limits(const Inquiry &q, const Outlook &o, const Sight &at, Verdict &v) {
    const double scale = q.paced ? at.share : 1;
    Seen low = Seen::good, high = Seen::good;
    if (std::isnan(at.limits->low) && std::isnan(at.limits->high)) return;
    if (!std::isnan(at.limits->low)) low = against(q, o, at, at.limits->low, false);
    if (!std::isnan(at.limits->high)) high = against(q, o, at, at.limits->high, true);
    v.seen = std::max(low, high);
    const bool is_high = high == Seen::bad || std::isnan(at.limits->low);
    v.side = is_high ? Side::up : Side::down;
    // An upper limit is passed only when the whole of it is.
    v.limit = is_high ? at.limits->high : at.limits->low * scale;
}

void judge_anomaly(const Inquiry &q, const Outlook &o, const Observed &now, const Sight &at,
                   Verdict &v) {
    double lower = o.closed.low, upper = o.closed.high, usual = o.closed_expected;
    if (q.look == Look::open) {
        const auto between = [&](double then, double next) {
            return then + now.within * (next - then);
        };
        lower = between(o.lower_then, o.lower_next);
        upper = between(o.upper_then, o.upper_next);
        usual = between(o.usual_then, o.usual_next);
        if (at.share < kEarliest) return;
        if (q.is_rate && !(at.trials >= kLeastTrials)) return;
    }
    if (!std::isfinite(usual) || std::isnan(at.value) || !o.closed_judged) return;
    v.expected = usual;
    const bool is_high = at.value > usual;
    v.side = is_high ? Side::up : Side::down;
    v.limit = is_high ? upper : lower;
    const double width = std::fabs(v.limit - usual);
    const double sigmas = width > 0 ? std::fabs(at.value - usual) / width * q.threshold : 0;
    const bool watched = q.side == Side::both || q.side == v.side;
    const bool unchanged = q.look == Look::closed && at.value == o.closed_value;
    v.p = unchanged && std::isfinite(o.closed_p) ? o.closed_p
                                                 : std::min(1.0, 2 * detect::normal_upper(sigmas));
    const bool outside = at.value < lower || at.value > upper;
    if (!watched) {
        v.seen = Seen::good;
        v.p = 1;
        return;
    }
    v.seen = (unchanged ? o.closed_flagged : outside) ? Seen::bad : Seen::good;
    // Hysteresis: what is still half-way out is not yet back.
    if (v.seen == Seen::good && sigmas > q.threshold / 2) v.seen = Seen::unclear;
}

void judge_emptiness(const Inquiry &q, const Outlook &o, const Sight &at, Verdict &v) {
    v.side = Side::down;
    if (std::isfinite(at.value) && at.value != 0) {
        v.seen = Seen::good;
        return;
    }
    if (q.condition == Condition::vanished_segment && !o.active) {
        v.seen = Seen::good;
        return;
    }
    // Events that should be there: those counted, or as many as the spread stands for.
    const double events = !q.paced   ? kNone
                          : o.counts ? at.limits->expected
                                     : (at.limits->expected > 0 ? 1 / (o.sigma * o.sigma) : 0);
    const bool sure =
        !q.paced ? at.limits->expected > 0 && at.whole : events * at.share >= kSurelySome;
    const double run = q.look == Look::closed ? o.empty_before + 1 : 1;
    if (!sure) return;
    v.seen = run >= q.threshold ? Seen::bad : Seen::unclear;
}

void judge_novelty(const Inquiry &q, const Outlook &o, const Sight &at, Verdict &v) {
    const bool fresh = q.look == Look::open ? o.fresh_open : o.fresh;
    v.side = Side::up;
    v.seen = fresh && at.value >= q.threshold && at.value > 0 ? Seen::bad : Seen::good;
}

bool compares(Condition condition) {
    return condition == Condition::ratio || condition == Condition::change ||
           condition == Condition::percentile;
}

bool holds(const Inquiry &q, const Outlook &o, const Sight &at, const Verdict &v, Seen &unknown) {
    const Guards &g = q.guards;
    const double volume_wanted =
        std::isnan(g.min_volume) ? (q.is_rate ? kLeastTrials : kNone) : g.min_volume;
    if (!std::isnan(volume_wanted)) {
        const double volume = q.is_rate ? at.trials : std::fmax(at.limits->expected, at.value);
        if (std::isnan(volume)) {
            unknown = Seen::unclear;
            return false;
        }
        if (volume < volume_wanted) {
            if (q.is_rate) unknown = Seen::unclear;
            return false;
        }
    }
    const double expected = std::isnan(v.expected) ? at.expected : v.expected;
    // Of many segments some are always low: only what is so beyond the spread of their own days.
    if (q.segmented && compares(q.condition) &&
        std::fabs(at.value - expected) < kOwnSpread * o.sigma * std::fabs(expected))
        return false;
    if (std::isnan(g.min_change_pct) && std::isnan(g.min_change_abs)) return true;
    if (std::isnan(expected)) {
        unknown = Seen::unclear;
        return false;
    }
    const double off = (at.value - expected) * (v.side == Side::down ? -1 : 1);
    if (!(off > 0)) return false;
    const double scale = q.paced ? at.share : 1;
    return (std::isnan(g.min_change_pct) || off >= std::fabs(expected) * g.min_change_pct / 100) &&
           (std::isnan(g.min_change_abs) || off >= g.min_change_abs * scale);
}

}  // namespace

Verdict judge(const Inquiry &q, const Outlook &o, const Observed &now) {
    const Sight at = looked_at(q, o, now);
    Verdict v;
    v.value = at.value;
    v.expected = at.expected;
    v.share = at.share;
    if (at.limits->event == detect::Effect::ignore) {
        v.seen = Seen::good;
        return v;
    }
    // A segment that is often empty has no level to compare with.
    if (compares(q.condition) && q.segmented && !o.active) {
        v.seen = Seen::good;
        return v;
    }
    // Such days are compared with nothing: the detector alone knows what they usually do.
    if (at.limits->event == detect::Effect::widen && compares(q.condition)) return v;
    switch (q.condition) {
        case Condition::anomaly:
            judge_anomaly(q, o, now, at, v);
            break;
        case Condition::no_data:
        case Condition::vanished_segment:
            judge_emptiness(q, o, at, v);
            break;
        case Condition::new_segment:
            judge_novelty(q, o, at, v);
            break;
        default:
            judge_limits(q, o, at, v);
    }
    const bool empty = q.condition == Condition::no_data ||
                       q.condition == Condition::vanished_segment ||
                       q.condition == Condition::new_segment;
    if (v.seen == Seen::bad && !empty) {
        Seen otherwise = Seen::good;
        if (!holds(q, o, at, v, otherwise)) v.seen = otherwise;
    }
    return v;
}

}  // namespace kpi::monitor
