// The cold start: level, slope, season and noise of the default detector from its first weeks, all
// by medians.
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "detect/numbers.hpp"
#include "detect/robust.hpp"

namespace kpi::detect {

namespace {

constexpr double kSlopeTrust = 0.5;  // share of the start's slope that is believed
constexpr double kSmallSample =
    2;  // in-sample residuals of four points a cell look this much too even
constexpr double kClassPrior = 0.5;  // days a Saturday's or Sunday's offset must outweigh
constexpr double kHourPrior = 3;     // observations the shared hour of day is worth in a cell

// The buffer in model space; NaN where nothing usable was seen.
struct Early {
    const State &s;
    int length;
    std::vector<double> model, base, work;
    std::vector<int> cells;

    int cell(int i) const { return cells[i]; }
    double residual(int i) const { return model[i] - base[i] - s.season[cell(i)]; }
    // Median over the slots that `keep` accepts of what `value` makes of them; `work` keeps how
    // many there were.
    template <class Keep, class Value>
    double median_where(int from, int to, Keep keep, Value value, int stride = 1) {
        work.clear();
        for (int i = std::max(from, 0); i < std::min(to, length); i += stride) {
            if (std::isfinite(model[i]) && keep(i)) work.push_back(value(i));
        }
        return median(work);
    }
    double count() const { return static_cast<double>(work.size()); }
};

constexpr auto kAny = [](int) { return true; };

// Median of the week around each day, so that a trend does not leak into the season.
void fit_base(Early &e, Frequency grain) {
    const auto model = [&](int i) { return e.model[i]; };
    const double centre = e.median_where(0, e.length, kAny, model);
    std::fill(e.base.begin(), e.base.end(), centre);
    if (grain != Frequency::day || e.length < 14) return;
    for (int i = 0; i < e.length; ++i) {
        const int from = std::clamp(i - 3, 0, e.length - 7);
        const double local = e.median_where(from, from + 7, kAny, model);
        if (!e.work.empty()) e.base[i] = local;
    }
}

// Weekday medians, shrunk towards no season by the noise they carry.
void fit_weekdays(Early &e, State &s) {
    double noise = 0, all = 0;
    for (int c = 0; c < 7; ++c) {
        s.season[c] = 0;
        s.season[c] = e.median_where(
            0, e.length, [&](int i) { return e.cell(i) == c; },
            [&](int i) { return e.residual(i); });
        for (double r : e.work) noise += std::fabs(r - s.season[c]);
        all += e.count();
    }
    // 1.57: variance of a normal from its mean absolute deviation; 1.6: of a median against a mean
    // of so few.
    const double variance = 1.57 * (noise / all) * (noise / all) * 1.6 * 7 / all;
    double mean = 0, spread = 0;
    for (int c = 0; c < 7; ++c) mean += s.season[c] / 7;
    for (int c = 0; c < 7; ++c) spread += (s.season[c] - mean) * (s.season[c] - mean) / 6;
    const double keep = spread > 0 ? std::max(0.0, 1 - variance / spread) : 0;
    for (int c = 0; c < 7; ++c) s.season[c] = mean + keep * (s.season[c] - mean);
}

// Hour of day, plus an offset of each class of days, plus what little the cell itself adds.
void fit_hours(Early &e, State &s) {
    std::array<double, 24> by_hour{};
    const auto raw = [&](int i) { return e.model[i] - e.base[i]; };
    const int turn = static_cast<int>((s.first % 24 + 24) % 24);
    const auto slot_of = [&](int hour) {
        return (hour - turn + 24) % 24;
    };  // first slot with that hour of day
    for (int h = 0; h < 24; ++h) by_hour[h] = e.median_where(slot_of(h), e.length, kAny, raw, 24);
    for (int d = 0; d < 3; ++d) {
        const double gap = e.median_where(
            0, e.length, [&](int i) { return e.cell(i) / 24 == d; },
            [&](int i) { return raw(i) - by_hour[e.cell(i) % 24]; });
        const double days = e.count() / 24;
        const double offset = gap * days / (days + kClassPrior);
        for (int h = 0; h < 24; ++h) {
            const int c = d * 24 + h;
            const double prior = by_hour[h] + offset;
            const auto here = [&](int i) { return e.cell(i) == c; };
            const double own = e.median_where(slot_of(h), e.length, here, raw, 24);
            s.season[c] =
                prior + (e.work.empty() ? 0 : (own - prior) * e.count() / (e.count() + kHourPrior));
        }
    }
}

void fit_level(Early &e, State &s) {
    const int window = s.options.grain == Frequency::hour ? 24 : 14;
    const auto plain = [&](int i) { return e.model[i] - s.season[e.cell(i)]; };
    s.level = e.median_where(e.length - window, e.length, kAny, plain);
    if (e.work.empty()) s.level = e.median_where(0, e.length, kAny, plain);
    s.slope = 0;
    if (s.options.grain != Frequency::day || e.length < 2 * window) return;
    const double before = e.median_where(e.length - 2 * window, e.length - window, kAny, plain);
    if (e.work.empty()) return;
    s.slope = kSlopeTrust * (s.level - before) / window;
    s.level += s.slope * 0.5 * (window + 1);  // from the middle of the window to its end
}

void fit_noise(Early &e, State &s) {
    const auto size = [&](int i) { return std::fabs(e.residual(i)); };
    const double middle = 1.4826 * e.median_where(0, e.length, kAny, size);
    double mean = 0, sampling = 0;
    for (int i = 0; i < e.length; ++i) {
        if (!std::isfinite(e.model[i])) continue;
        mean += size(i) / e.count();
        sampling += s.scale.sampling_variance(e.model[i], s.early_trials[i]) / e.count();
    }
    const double sd = std::max(middle, 0.5 * mean);
    const double centre = e.median_where(0, e.length, kAny, [&](int i) { return e.model[i]; });
    switch (s.scale.shape) {
        case Shape::logarithm:
            s.floor = 1e-4;
            break;  // one per cent: no series is known better
        case Shape::logit:
            s.floor = 1e-6;
            break;
        default:
            s.floor = std::max(1e-4 * centre * centre, 1e-24);
    }
    s.variance = std::max(kSmallSample * sd * sd, s.floor);
    s.sampling = sampling;
    s.plain_mean = centre;
    s.plain_variance = 0;
    for (double u : e.model)
        s.plain_variance += std::isfinite(u) ? (u - centre) * (u - centre) / e.count() : 0;
}

}  // namespace

void fit_start(State &s, const Tuning &t, int length) {
    std::vector<double> values, trials;
    for (int i = 0; i < length; ++i) {
        if (!std::isfinite(s.early_value[i])) continue;
        values.push_back(s.early_value[i]);
        if (std::isfinite(s.early_trials[i])) trials.push_back(s.early_trials[i]);
    }
    s.trials = trials.empty() ? kMissing : median(trials);
    s.scale = choose_scale(s.options, values, !trials.empty());
    Early e{s,  length, std::vector<double>(length, kMissing), std::vector<double>(length, 0.0),
            {}, {}};
    for (int i = 0; i < length; ++i) {
        e.cells.push_back(cell_of(s.options.grain, s.first + i));
        if (!std::isfinite(s.early_value[i])) continue;
        if (!std::isfinite(s.early_trials[i])) s.early_trials[i] = s.trials;
        e.model[i] = s.scale.forward(s.early_value[i], s.early_trials[i]);
    }
    fit_base(e, s.options.grain);
    s.season.fill(0);
    if (s.options.grain == Frequency::day) fit_weekdays(e, s);
    if (s.options.grain == Frequency::hour) fit_hours(e, s);
    const int cells = cell_count(s.options.grain);
    double mean = 0;
    for (int c = 0; c < cells; ++c) mean += s.season[c] / cells;
    for (int c = 0; c < cells; ++c) s.season[c] -= mean;
    for (double &b : e.base) b += mean;  // residuals stay what they were
    s.season_mean = 0;
    fit_level(e, s);
    fit_noise(e, s);
    s.cell_seen.fill(0);
    if (!s.started) s.calibration = make_calibration(t.body, t.tail);
    s.started = true;
}

}  // namespace kpi::detect
