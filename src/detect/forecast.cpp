#include "detect/forecast.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "detect/tails.hpp"

namespace kpi::detect {

std::vector<Outlook> forecast(const State &s, int horizon, double coverage) {
    if (horizon < 1 || horizon > kMaxHorizon) {
        throw Error("22023", "horizon must be between 1 and 1000 periods");
    }
    if (!(coverage > 0 && coverage < 1)) throw Error("22023", "coverage must be between 0 and 1");
    if (!s.started) {
        throw Error("55000", "there is not enough history for a forecast", {},
                    "A daily series needs at least two weeks, an hourly one two days.");
    }
    const Tuning &t = tuning_for(s.options.grain);
    const double width = normal_quantile(0.5 + 0.5 * coverage);
    std::vector<Outlook> out;
    double drift = 0, slope = s.slope, reach = 0, carried = 0;
    for (int h = 1; h <= horizon; ++h) {
        const std::int64_t period = s.last + h;
        drift += slope;
        slope *= t.damp;
        const double model = s.level + drift + season_at(s, period);
        const double noise = s.scale.sampling_variance(model, s.trials);
        const double process =
            s.scale.shape == Shape::root
                ? s.variance
                : std::max({s.variance - s.sampling, t.process_share * s.variance, s.floor}) +
                      noise;
        const int seen = s.cell_seen[cell_of(s.options.grain, period)];
        const double doubt = t.doubt / (t.season_prior + seen + 1);
        const double sd = std::sqrt(process * (1 + doubt + carried));
        const Scale::Band band = s.scale.band(model, width * sd);
        out.push_back({period, band.expected, band.lower, band.upper});
        // What an innovation of this step moves all later levels by: the level's gain and the
        // slope's, damped.
        reach = t.alpha + t.beta * (1 - std::pow(t.damp, h)) / (1 - t.damp);
        carried += reach * reach;
    }
    return out;
}

}  // namespace kpi::detect
