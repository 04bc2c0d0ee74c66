// detect: what is normal for a series, and what is not.
//
// This file: the values that cross the room, what a detector is given and what it answers.
//
// detect/ is plain C++20: it sees std and core/ only. It promises that a verdict depends on nothing
// but the points up to its own (causality), that the tested point is never in its own baseline, and
// that every state is plain bytes.
//
// Units:   a period is the number of the bucket on its own grid (days or hours since 1970-01-01 in
//          the series' time zone); a value is in the metric's own unit; scores are in sigmas unless
//          a detector says otherwise.
// Errors:  kpi::Error 22023 for options out of range, 22000 for periods that do not grow.
#pragma once

#include <cstdint>
#include <limits>

namespace kpi::detect {

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
// Larger numbers are no measurements: their squares would overflow. They count as missing.
inline constexpr double kLargest = 1e150;

// What the numbers are; decides the scale and the noise that sampling alone explains.
enum class Kind : std::uint8_t { automatic, count, amount, rate, level };

// The width of a period: decides the season. `other` has no season.
enum class Frequency : std::uint8_t { day, hour, other };

enum class Direction : std::uint8_t { both, up, down };

// What to do with a period that is not over yet.
enum class Partial : std::uint8_t { skip, compare };

// What a calendar entry asks for: ignore = never flag; widen = flag only beyond the usual effect of
// such days; annotate = judge as any other day, only name it.
enum class Effect : std::uint8_t { none, ignore, widen, annotate };

enum class Type : std::uint8_t {
    none,   // nothing to report
    spike,  // far above expected
    dip,    // far below expected
    drift,  // small but lasting deviation: the evidence of several periods, not of this one alone
    level_shift,  // many periods on one side: reported once, then the new level is the normal one
    learning,     // not enough history for a verdict
    missing,      // NULL, NaN, infinite, out of range, or a rate with no denominator
    partial,      // the period is not over, and partial periods are skipped
    suppressed,   // would be an alarm, but a stronger one is less than a cool-down ago
};

struct Point {
    std::int64_t period = 0;        // bucket number; must grow from call to call
    double value = kMissing;        // not finite = missing period
    double denominator = kMissing;  // for rates: the number of trials; NaN = unknown
    double fraction = 1.0;          // share of the period's usual total that is over, (0, 1]
    std::uint32_t event = 0;        // hash of the calendar entry's name, 0 = ordinary period
    Effect effect = Effect::none;
};

struct Verdict {
    double score = 0;  // >= 0; compare with the threshold
    double p =
        kMissing;  // two-sided, calibrated on the series' own past; NaN when there is no verdict
    double expected = kMissing;
    double lower = kMissing;  // band at the threshold: outside it this period alone is flagged
    double upper = kMissing;
    double z = 0;  // signed deviation of this period alone, in sigmas
    bool is_anomaly = false;
    Type type = Type::none;
    std::int16_t streak = 0;  // periods in a row far off on this side, this one included
};

struct Options {
    Kind kind = Kind::automatic;
    Frequency grain = Frequency::day;
    Direction direction = Direction::both;
    Partial partial = Partial::skip;
    double threshold = kMissing;  // NaN = the detector's default for the grain
    int min_history = 28;         // periods seen before the first verdict, 2 to 10000
};

// The usable value of a point: finite, in range, and with trials where trials are given.
bool is_usable(const Point &point);
// Whether a deviation on this side may be flagged.
bool on_watched_side(Direction direction, double deviation);
// Raises 22023 for a threshold that is not positive or a history out of range.
void check(const Options &options);

}  // namespace kpi::detect
