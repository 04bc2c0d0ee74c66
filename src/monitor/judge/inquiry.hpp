// What a rule asks of each series it watches, as plain data, and the words of it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "core/calendar.hpp"
#include "detect/detector.hpp"

namespace kpi::monitor {

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

enum class Condition : std::uint8_t {
    below,             // threshold: a value
    above,             // threshold: a value
    ratio,             // threshold: times the baseline
    change,            // threshold: per cent of the baseline
    percentile,        // threshold: per cent of the series' own past
    anomaly,           // threshold: sigmas
    no_data,           // threshold: buckets
    vanished_segment,  // threshold: buckets
    new_segment,       // threshold: the least value
};
enum class Side : std::uint8_t { both, down, up };
// Which bucket is judged: the one in progress, by its pace, or the last one that is over.
enum class Look : std::uint8_t { open, closed };

struct Baseline {
    enum class Kind : std::uint8_t { average, median, weekday, previous, week };
    Kind kind = Kind::average;
    int buckets = 7;  // of average and median
};

// All must hold; NaN: no such guard.
struct Guards {
    double min_volume = kNone;      // of what is expected; for rates of the trials
    double min_change_pct = kNone;  // against what is expected of this bucket
    double min_change_abs = kNone;
};

struct Inquiry {
    Condition condition = Condition::below;
    double threshold = kNone;
    Baseline baseline;
    Side side = Side::down;
    Look look = Look::closed;
    Grain grain = Grain::day;
    Guards guards;
    double hysteresis = 0;  // per cent beyond the limit before it is good again
    detect::Method method = detect::Method::robust;
    bool segmented = false;
    // Of the metric. paced: a sum, of which a bucket in progress has a part. A rate is a quotient
    // of counts, judged by its trials; another quotient is neither.
    bool paced = true, is_rate = false;
    double unit = 1;  // of a rate: 100 for per cent
};

// Errors: 22023 with the words there are.
Condition condition_by_name(const std::string &name);
Side side_by_name(const std::string &name);
Look look_by_name(const std::string &name);
// avg7d, median28d, weekday, previous, week
Baseline baseline_by_name(const std::string &name);
std::string_view condition_name(Condition condition);

// The threshold that counts when none is given; nullopt: one must be given.
std::optional<double> default_threshold(const Inquiry &question);
// Contradictions of a question. Errors: 22023.
void check(const Inquiry &question);
// How many closed buckets it looks back on.
int history_of(const Inquiry &question);

}  // namespace kpi::monitor
