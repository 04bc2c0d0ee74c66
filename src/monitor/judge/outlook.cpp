#include "monitor/judge/outlook.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

namespace kpi::monitor {
namespace {

constexpr int kWeeks = 8;  // buckets of one cell
constexpr size_t kLeastOfCell = 3;
constexpr size_t kRecent = 14, kLeastRecent = 7;
constexpr size_t kResiduals = 56, kLeastResiduals = 28;
constexpr double kLeastSigma = 0.03, kUnknownSigma = 0.3;
constexpr int kLeastKnown = 14;  // buckets before anything can be new

double quantile(std::vector<double> values, double q) {
    std::sort(values.begin(), values.end());
    const double place = q * double(values.size() - 1);
    const auto below = size_t(place);
    const size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - double(below)) * (values[above] - values[below]);
}

bool is_empty(double value) { return !(std::isfinite(value) && value != 0); }

// The series up to, and without, the bucket `end`.
class Past {
public:
    Past(const Inquiry &q, const History &h) : q_(q), h_(h) {
        usable_.reserve(h.values.size());
        for (size_t i = 0; i < h.values.size(); ++i)
            usable_.push_back(std::isfinite(h.values[i]) && is_known(i, h.values.size(), h.known) &&
                              h.effects[i] != detect::Effect::ignore &&
                              h.effects[i] != detect::Effect::widen);
    }

    double expected(size_t end) const {
        std::vector<double> same = of_cell(cell_of(q_.grain, h_.periods[end]), end);
        if (same.size() >= kLeastOfCell) return median(same);
        same = last(end, kRecent);
        return same.size() >= kLeastRecent ? median(same) : kNone;
    }

    double baseline(size_t end) const {
        using Kind = Baseline::Kind;
        const auto count = size_t(q_.baseline.buckets);
        switch (q_.baseline.kind) {
            case Kind::weekday:
                return expected(end);
            case Kind::previous:
                return at(end, 1);
            case Kind::week:
                if (q_.grain == Grain::hour) return at(end, 168);
                return at(end, q_.grain == Grain::day ? 7 : 1);
            default:
                break;
        }
        const std::vector<double> values = last(end, count);
        if (values.size() < (count + 1) / 2) return kNone;
        if (q_.baseline.kind == Kind::median) return median(values);
        return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
    }

    // Each value over the median of its cell.
    std::vector<double> residuals(size_t end) const {
        std::vector<double> out;
        const int cells = q_.grain == Grain::hour ? 168 : q_.grain == Grain::day ? 7 : 1;
        std::vector<double> medians(size_t(cells), kNone);
        for (int cell = 0; cell < cells; ++cell)
            if (const auto same = of_cell(cell, end); same.size() >= kLeastOfCell)
                medians[size_t(cell)] = median(same);
        const size_t begin = end > kResiduals ? end - kResiduals : 0;
        for (size_t i = begin; i < end; ++i) {
            const double usual = medians[size_t(cell_of(q_.grain, h_.periods[i]))];
            if (usable_[i] && usual > 0) out.push_back(h_.values[i] / usual);
        }
        return out;
    }

private:
    double at(size_t end, size_t back) const {
        return end >= back && usable_[end - back] ? h_.values[end - back] : kNone;
    }
    std::vector<double> last(size_t end, size_t count) const {
        std::vector<double> out;
        for (size_t i = end; i-- > 0 && end - i <= count;)
            if (usable_[i]) out.push_back(h_.values[i]);
        return out;
    }
    std::vector<double> of_cell(int cell, size_t end) const {
        std::vector<double> out;
        for (size_t i = end; i-- > 0 && out.size() < size_t(kWeeks);)
            if (usable_[i] && cell_of(q_.grain, h_.periods[i]) == cell) out.push_back(h_.values[i]);
        return out;
    }

    const Inquiry &q_;
    const History &h_;
    std::vector<bool> usable_;
};

double spread(std::vector<double> residuals) {
    if (residuals.size() < kLeastRecent) return kUnknownSigma;
    const double middle = median(residuals);
    for (double &r : residuals) r = std::fabs(r - middle);
    return std::max(kLeastSigma, 1.4826 * median(residuals));
}

void set_sides(Limits &limits, Side side, double low, double high) {
    if (side != Side::up) limits.low = low;
    if (side != Side::down) limits.high = high;
}

Limits limits_of(const Inquiry &q, const Past &past, const History &h, size_t end) {
    Limits limits;
    limits.event = h.effects[end];
    limits.expected = past.expected(end);
    const double t = q.threshold;
    switch (q.condition) {
        case Condition::below:
            limits.low = t;
            break;
        case Condition::above:
            limits.high = t;
            break;
        case Condition::ratio: {
            const double level = t * past.baseline(end);
            if (q.side == Side::up || (q.side == Side::both && t > 1))
                limits.high = level;
            else
                limits.low = level;
            break;
        }
        case Condition::change: {
            const double usual = past.baseline(end), part = std::fabs(usual) * t / 100;
            set_sides(limits, q.side, usual - part, usual + part);
            break;
        }
        case Condition::percentile: {
            const std::vector<double> residuals = past.residuals(end);
            if (residuals.size() < kLeastResiduals || !(limits.expected > 0)) break;
            set_sides(limits, q.side, quantile(residuals, t / 100) * limits.expected,
                      quantile(residuals, 1 - t / 100) * limits.expected);
            break;
        }
        default:
            break;
    }
    return limits;
}

detect::Options detector_options(const Inquiry &q) {
    detect::Options options;
    options.kind = q.is_rate ? detect::Kind::rate : detect::Kind::automatic;
    options.grain = q.grain == Grain::hour  ? detect::Frequency::hour
                    : q.grain == Grain::day ? detect::Frequency::day
                                            : detect::Frequency::other;
    options.direction = q.side == Side::both   ? detect::Direction::both
                        : q.side == Side::down ? detect::Direction::down
                                               : detect::Direction::up;
    options.partial = detect::Partial::compare;
    options.threshold = q.threshold;
    options.min_history = q.grain == Grain::hour ? 168 : q.grain == Grain::day ? 28 : 12;
    return options;
}

detect::Point point_of(const Inquiry &q, const History &h, size_t i) {
    detect::Point point;
    point.period = h.periods[i];
    point.event = h.events[i];
    point.effect = h.effects[i];
    if (i < h.values.size()) {
        point.value = q.is_rate ? h.values[i] / q.unit : h.values[i];
        if (!h.trials.empty()) point.denominator = h.trials[i];
    }
    return point;
}

void ask_detector(const Inquiry &q, const History &h, Outlook &out) {
    detect::Detector detector(q.method, detector_options(q));
    size_t first = 0;
    while (first < h.values.size() && is_empty(h.values[first])) ++first;
    detect::Verdict last;
    for (size_t i = first; i < h.values.size(); ++i) last = detector.observe(point_of(q, h, i));
    if (first == h.values.size()) return;
    out.closed_judged = std::isfinite(last.expected) && last.type != detect::Type::learning;
    out.closed_flagged = last.is_anomaly;
    out.closed_p = last.p;
    out.closed_expected = last.expected * q.unit;
    out.closed.low = last.lower * q.unit;
    out.closed.high = last.upper * q.unit;
    const auto ahead = [&](double share, double &lower, double &upper, double &usual) {
        detect::Point point = point_of(q, h, h.values.size());
        point.fraction = !q.paced ? 1 - 1e-9 : std::clamp(share, 1e-6, 1 - 1e-9);
        point.value = std::isfinite(last.expected) ? last.expected * point.fraction : 0;
        if (!h.trials.empty()) point.denominator = h.trials.back();
        detect::Detector copy = detector;
        const detect::Verdict then = copy.observe(point);
        lower = then.lower * q.unit;
        upper = then.upper * q.unit;
        usual = then.expected * q.unit;
    };
    ahead(h.share_then, out.lower_then, out.upper_then, out.usual_then);
    ahead(h.share_next, out.lower_next, out.upper_next, out.usual_next);
}

}  // namespace

bool is_known(size_t bucket, size_t closed, int known) {
    return size_t(known) >= closed || bucket + size_t(known) > closed;
}

int cell_of(Grain grain, std::int64_t period) {
    const auto within = [&](std::int64_t n) { return int(((period % n) + n) % n); };
    if (grain == Grain::hour) return within(168);
    return grain == Grain::day ? within(7) : 0;
}

double median(std::span<const double> values) {
    if (values.empty()) return kNone;
    std::vector<double> copy(values.begin(), values.end());
    const auto middle = copy.begin() + std::ptrdiff_t(copy.size() / 2);
    std::nth_element(copy.begin(), middle, copy.end());
    if (copy.size() % 2 == 1) return *middle;
    return (*middle + *std::max_element(copy.begin(), middle)) / 2;
}

Outlook make_outlook(const Inquiry &q, const History &h) {
    Outlook out;
    if (h.values.empty()) return out;
    const Past past(q, h);
    const size_t last = h.values.size() - 1;
    out.closed = limits_of(q, past, h, last);
    out.open = limits_of(q, past, h, last + 1);
    out.sigma = spread(past.residuals(last + 1));
    out.share_then = h.share_then;
    out.share_next = h.share_next;
    out.closed_value = h.values[last];
    out.counts = q.paced;
    size_t full = 0;
    for (const double v : h.values) {
        if (std::isfinite(v) && (v < 0 || v != std::floor(v))) out.counts = false;
        if (!is_empty(v)) ++full;
    }
    size_t run = 0;
    while (run < last && is_empty(h.values[last - 1 - run])) ++run;
    out.empty_before = double(run);
    const size_t window = std::min<size_t>(last - run, 28);
    size_t active = 0;
    for (size_t i = last - run - window; i < last - run; ++i)
        active += is_empty(h.values[i]) ? 0 : 1;
    out.active = window >= size_t(kLeastKnown) && active * 5 >= window * 4;
    const bool old_enough = h.known >= kLeastKnown;
    out.fresh = old_enough && full == (is_empty(h.values[last]) ? 0U : 1U);
    out.fresh_open = old_enough && full == 0;
    if (q.condition == Condition::anomaly) ask_detector(q, h, out);
    return out;
}

Outlook outlook_of_nothing(int known) {
    Outlook out;
    out.fresh = out.fresh_open = known >= kLeastKnown;
    return out;
}

}  // namespace kpi::monitor
