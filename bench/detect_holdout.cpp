// What constants of the default detector are worth on products they were not chosen on.
//   usage: bench_detect_holdout DATA_DIR SET [name=value,value...]... [--each]
//
// Purpose: what to expect on unseen series. Of the grid of the given values, each product in turn
//          is left out whole, the best setting on the other products is chosen, and it is judged on
//          the product left out alone. Best: highest `calm`, the mean event F1 at thresholds from
//          0.85 to 1.15 of the setting's (a lucky alarm moves it less than the F1 at the threshold
//          itself), with at most kMostFalse false alarms a series-year if any setting has so few.
//          Without values it judges the constants in use. --each prints every setting.
// Rules:   those of tools/anomaly/score.py: an event is a run of label 1, an alarm a run of flagged
//          points (gaps of 3 hours or 1 day merge both), no point adjustment. A product is what a
//          series' name says before its number.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "detect/robust.hpp"
#include "detect_series.hpp"

namespace {

using namespace kpi;  // NOLINT: a bench program has no other names
using detect::Tuning;

constexpr double kMostFalse = 16;
constexpr double kNear[] = {1, .85, .9, .95, 1.05, 1.1, 1.15};  // of the threshold; itself first

#define KNOB(name)                                                                     \
    {                                                                                  \
#name, [](Tuning & t, double v) { t.name = static_cast<decltype(t.name)>(v); } \
    }
struct Knob {
    const char *name;
    void (*set)(Tuning &, double);
};
constexpr Knob kKnobs[] = {
    KNOB(alpha),          KNOB(beta),      KNOB(damp),      KNOB(gamma),        KNOB(lambda),
    KNOB(season_prior),   KNOB(doubt),     KNOB(clip),      KNOB(flagged_gain), KNOB(variance_clip),
    KNOB(process_share),  KNOB(threshold), KNOB(fast),      KNOB(slow),         KNOB(evidence_clip),
    KNOB(evidence_gate),  KNOB(shift_z),   KNOB(shift_run), KNOB(plain_power),  KNOB(cooldown),
    KNOB(cooldown_share),
};
#undef KNOB

struct Counts {
    double hit = 0, events = 0, right = 0, wrong = 0, years = 0;
    Counts &operator+=(const Counts &o) {
        hit += o.hit;
        events += o.events;
        right += o.right;
        wrong += o.wrong;
        years += o.years;
        return *this;
    }
    double recall() const { return hit / std::max(events, 1.0); }
    double precision() const { return right / std::max(right + wrong, 1.0); }
    double f1() const {
        return 2 * recall() * precision() / std::max(recall() + precision(), 1e-12);
    }
    double false_a_year() const { return wrong / years; }
};

using Run = std::pair<int, int>;
std::vector<Run> runs_of(const std::vector<char> &on, int gap) {
    std::vector<Run> out;
    for (int i = 0; i < static_cast<int>(on.size()); ++i) {
        if (!on[i]) continue;
        if (out.empty() || i - out.back().second > gap + 1)
            out.emplace_back(i, i);
        else
            out.back().second = i;
    }
    return out;
}

Counts judge(const bench::LabelledSeries &s, const Tuning &t) {
    const bool hourly = s.options.grain == detect::Frequency::hour;
    const std::int64_t first = s.points.front().point.period;
    const int n = static_cast<int>(s.points.back().point.period - first) + 1;
    const int warm = std::min(hourly ? 192 : 28, n / 4), gap = hourly ? 3 : 1, slack = hourly;
    std::vector<char> flagged(n, 0), labelled(n, 0), zone(n, 0);
    detect::State state = detect::make_state(s.options);
    for (const bench::LabelledPoint &x : s.points) {
        const auto i = static_cast<int>(x.point.period - first);
        const bool alarm = detect::observe(state, x.point, t).is_anomaly;
        flagged[i] = alarm && i >= warm;
        labelled[i] = x.label == 1;
        zone[i] = x.label == 2;
    }
    Counts c;
    c.years = (n - warm) / (365.25 * (hourly ? 24 : 1));
    for (const auto &[from, to] : runs_of(labelled, gap)) {
        if (to < warm) continue;
        const int low = std::max(from - slack, warm), high = std::min(to + slack, n - 1);
        std::fill(zone.begin() + low, zone.begin() + high + 1, 1);
        c.events += 1;
        c.hit += std::count(flagged.begin() + low, flagged.begin() + high + 1, 1) > 0;
    }
    for (const auto &[from, to] : runs_of(flagged, gap)) {
        bool touches = false;
        for (int i = from; i <= to; ++i) touches = touches || (zone[i] && flagged[i]);
        (touches ? c.right : c.wrong) += 1;
    }
    return c;
}

std::string product_of(const std::string &series) {
    std::string name = series;
    for (const char *stem : {"nab_ad2", "nab_tw"}) {
        if (name.starts_with(stem)) return stem;
    }
    while (std::isdigit(static_cast<unsigned char>(name.back()))) name.pop_back();
    if (name.back() == '_') name.pop_back();
    return name;
}

Counts total(const std::map<std::string, Counts> &parts, const std::string &left_out) {
    Counts c;
    for (const auto &[product, counts] : parts) {
        if (product != left_out) c += counts;
    }
    return c;
}

struct Setting {
    std::string name;
    std::vector<std::pair<const Knob *, double>> values;
    std::array<std::map<std::string, Counts>, std::size(kNear)> near;
    const std::map<std::string, Counts> &by_product() const { return near[0]; }
    // F1 of all products but one, the mean of those near the threshold.
    double calm(const std::string &left_out) const {
        double sum = 0;
        for (const auto &parts : near) sum += total(parts, left_out).f1();
        return sum / std::size(kNear);
    }
    double worth(const std::string &left_out) const {
        const bool noisy = total(by_product(), left_out).false_a_year() > kMostFalse;
        return calm(left_out) - (noisy ? 1 : 0);
    }
};

std::vector<Setting> grid_of(const std::vector<std::string> &axes) {
    std::vector<Setting> grid{{"", {}, {}}};
    for (const std::string &axis : axes) {
        const std::string name = axis.substr(0, axis.find('='));
        const auto *knob = std::find_if(std::begin(kKnobs), std::end(kKnobs),
                                        [&](const Knob &k) { return name == k.name; });
        if (knob == std::end(kKnobs)) {
            std::fprintf(stderr, "no constant is called \"%s\"\n", name.c_str());
            std::exit(2);
        }
        std::vector<Setting> next;
        for (const std::string &value : bench::fields_of(axis.substr(axis.find('=') + 1))) {
            for (Setting s : grid) {
                s.name.append(s.name.empty() ? "" : " ").append(name).append("=").append(value);
                s.values.emplace_back(knob, std::strtod(value.c_str(), nullptr));
                next.push_back(std::move(s));
            }
        }
        grid = std::move(next);
    }
    return grid;
}

void print(const char *what, const std::string &name, const std::map<std::string, Counts> &parts,
           double calm) {
    Counts all;
    double mean = 0, worst = 1;
    for (const auto &[product, c] : parts) {
        all += c;
        mean += c.f1() / static_cast<double>(parts.size());
        worst = std::min(worst, c.f1());
    }
    std::printf(
        "%-8s F1 %.3f calm %.3f  P %.2f R %.2f  false/yr %5.1f  products: mean %.3f worst "
        "%.2f  %s\n",
        what, all.f1(), calm, all.precision(), all.recall(), all.false_a_year(), mean, worst,
        name.c_str());
}

}  // namespace

int main(int argc, char **argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s DATA_DIR SET [name=value,value...]... [--each]\n", argv[0]);
        return 2;
    }
    bool each = false;
    std::vector<std::string> axes;
    for (int i = 3; i < argc; ++i) {
        if (std::strcmp(argv[i], "--each") == 0)
            each = true;
        else
            axes.emplace_back(argv[i]);
    }
    const auto series = bench::load_series(std::string(argv[1]) + "/" + argv[2]);
    std::vector<Setting> grid = grid_of(axes);
    for (Setting &setting : grid) {
        for (const auto &s : series) {
            Tuning t = detect::tuning_for(s.options.grain);
            for (const auto &[knob, value] : setting.values) knob->set(t, value);
            const double threshold = t.threshold;
            for (std::size_t i = 0; i < std::size(kNear); ++i) {
                t.threshold = threshold * kNear[i];
                setting.near[i][product_of(s.name)] += judge(s, t);
            }
        }
        if (each) print("setting", setting.name, setting.by_product(), setting.calm(""));
    }
    const auto best_without = [&](const std::string &product) -> const Setting & {
        return *std::max_element(grid.begin(), grid.end(), [&](const auto &a, const auto &b) {
            return a.worth(product) < b.worth(product);
        });
    };
    Setting left_out;
    for (const auto &[product, unused] : grid.front().by_product()) {
        const Setting &best = best_without(product);
        for (std::size_t i = 0; i < std::size(kNear); ++i)
            left_out.near[i][product] = best.near[i].at(product);
        const Counts &c = best.by_product().at(product);
        std::printf("%-36s F1 %.3f  %3.0f of %3.0f events, %3.0f false  %s\n", product.c_str(),
                    c.f1(), c.hit, c.events, c.wrong, best.name.c_str());
    }
    const Setting &own = best_without("");
    print("own", own.name, own.by_product(), own.calm(""));
    print("left out", std::to_string(grid.size()) + " settings", left_out.by_product(),
          left_out.calm(""));
    return 0;
}
