// The default detector: a robust streaming filter with level, damped trend and season.
//
// Purpose: one verdict a point, from the past only, in constant time and constant memory.
// Sources: robust exponential smoothing (Gelper, Fried, Croux 2010); damped trend (Gardner 1985);
//          EWMA evidence (Roberts 1959); counts by the mid-p tail of the negative binomial
//          (Farrington 1996, Noufaily 2013); shrunken start (James, Stein 1961). What is ours:
//          gains and forecast variance that know how often a cell was seen, two speeds of evidence,
//          sampling noise split from process noise, p by calibration.hpp.
// Shapes:  State is plain bytes: it may be copied, stored and continued elsewhere by the same
//          kVersion.
// Units:   all of State but the buffer is in model space (scale.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "detect/calibration.hpp"
#include "detect/scale.hpp"
#include "detect/season.hpp"
#include "detect/types.hpp"

namespace kpi::detect {

inline constexpr int kMaxWarmup = 192;  // periods: 8 days of hours
inline constexpr int kMaxEvents = 8;    // calendar names a series remembers

// Smoothing and noise constants of one grain. Fixed in use; the bench varies them.
struct Tuning {
    double alpha, beta, damp, gamma,
        lambda;                 // gains: level, slope, slope's decay, season, variance
    double season_prior;        // observations the start is worth when a cell's gain is 1 / n
    double doubt;               // forecast variance grows by doubt / (observations of the cell)
    double clip, flagged_gain;  // psi: sigmas learnt at most, and the gain left for flagged points
    double variance_clip;       // sigmas that enter the variance at most
    double process_share;       // share of the variance that sampling noise can never explain away
    double threshold;           // score from which a point is flagged
    double fast, slow;          // EWMA weights of the evidence; 0 = none
    double evidence_clip, evidence_gate;  // sigmas a day may add; sigmas today must have
    double shift_z;  // a level shift is shift_run points in a row beyond shift_z
    int shift_run;
    double plain_power;  // weight of the deviation from the plain weekly mean in the score
    double event_sd,
        // sd of an unseen calendar day (share of the value); prior weight of its effect
        event_prior;
    double partial_sd;      // further sd of an unfinished period (share of the value)
    int cooldown;           // periods during which only stronger alarms follow
    double cooldown_share;  // stronger = beyond this share of the last alarm's score
    int warmup, least;      // periods of the final start; fewest for a first, rough one
    double body, tail;      // 80 % and 97 % quantiles of the score of a well-behaved series
};

const Tuning &tuning_for(Frequency grain);

struct EventEffect {
    std::uint32_t event = 0;
    float count = 0;
    double mean = 0;  // how far such days were from the filter's forecast
};

// Exponentially weighted sum of clipped z and its variance under white noise.
struct Evidence {
    double sum = 0, variance = 0;
};

struct State {
    static constexpr std::uint32_t kVersion = 2;
    std::uint32_t version = kVersion;
    Options options;
    Scale scale;
    bool started = false, alarmed = false;
    std::int16_t streak = 0;
    std::int32_t usable = 0,
                 observed = 0;  // usable points in the buffer; points judged or learnt so far
    std::int64_t first = 0, last = 0, alarm_period = 0;
    double level = 0, slope = 0, season_mean = 0;
    double variance = 0, sampling = 0, floor = 0, trials = kMissing;
    Evidence fast, slow;
    std::array<double, 5> recent{};  // deseasonalised values of the last points, for a level shift
    double plain_mean = 0, plain_variance = 0, alarm_score = 0;
    Calibration calibration;
    std::array<EventEffect, kMaxEvents> events{};
    std::array<double, kMaxCells> season{};
    std::array<std::int32_t, kMaxCells> cell_seen{};
    std::array<double, kMaxWarmup> early_value{}, early_trials{};
};
static_assert(std::is_trivially_copyable_v<State>);

// Raises 22023 for bad options.
State make_state(const Options &options);
// Raises 22000 when the period does not grow. The four-argument form is for the bench.
Verdict observe(State &s, const Point &point);
Verdict observe(State &s, const Point &point, const Tuning &t);

// Season of a period as the state knows it now, in model space.
double season_at(const State &s, std::int64_t period);
// Fits the state to the first `length` slots of its buffer (start.cpp).
void fit_start(State &s, const Tuning &t, int length);

}  // namespace kpi::detect
