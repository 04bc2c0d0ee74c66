#include "monitor/judge/inquiry.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/similar_names.hpp"

namespace kpi::monitor {
namespace {

constexpr std::array<std::pair<const char *, Condition>, 9> kConditions = {
    {{"below", Condition::below},
     {"above", Condition::above},
     {"ratio", Condition::ratio},
     {"change", Condition::change},
     {"percentile", Condition::percentile},
     {"anomaly", Condition::anomaly},
     {"no_data", Condition::no_data},
     {"vanished_segment", Condition::vanished_segment},
     {"new_segment", Condition::new_segment}}};
constexpr std::array<std::pair<const char *, Side>, 3> kSides = {
    {{"both", Side::both}, {"down", Side::down}, {"up", Side::up}}};
constexpr std::array<std::pair<const char *, Look>, 2> kLooks = {
    {{"open", Look::open}, {"closed", Look::closed}}};

constexpr int kMostBuckets = 84;

template <class Words>
auto word(const char *argument, const std::string &name, const Words &words) {
    std::vector<std::string> known;
    for (const auto &[text, value] : words) {
        if (name == text) return value;
        known.emplace_back(text);
    }
    throw Error("22023", fmt::format("{} cannot be \"{}\"", argument, name), {},
                fmt::format("Use one of {}.", quoted_list(known)));
}

// avg7d: the number between the word and the d.
std::optional<int> number_in(const std::string &name, const std::string &word) {
    if (name.size() < word.size() + 2 || name.compare(0, word.size(), word) != 0 ||
        name.back() != 'd' || name.size() > word.size() + 4)
        return std::nullopt;
    int number = 0;
    for (size_t i = word.size(); i + 1 < name.size(); ++i) {
        if (name[i] < '0' || name[i] > '9') return std::nullopt;
        number = number * 10 + (name[i] - '0');
    }
    return number;
}

[[noreturn]] void refuse(const std::string &what, const std::string &hint) {
    throw Error("22023", what, {}, hint);
}

}  // namespace

Condition condition_by_name(const std::string &name) {
    return word("condition", name, kConditions);
}
Side side_by_name(const std::string &name) { return word("direction", name, kSides); }
Look look_by_name(const std::string &name) { return word("buckets", name, kLooks); }

Baseline baseline_by_name(const std::string &name) {
    using Kind = Baseline::Kind;
    if (name == "weekday") return {Kind::weekday, 8};
    if (name == "previous") return {Kind::previous, 1};
    if (name == "week") return {Kind::week, 7};
    for (const auto &[text, kind] : {std::pair("avg", Kind::average), {"median", Kind::median}})
        if (const auto buckets = number_in(name, text)) {
            if (*buckets < 2 || *buckets > kMostBuckets)
                refuse(
                    fmt::format("a baseline has 2 to {} buckets, not {}", kMostBuckets, *buckets),
                    "For example avg7d or median28d.");
            return {kind, *buckets};
        }
    refuse(fmt::format("baseline cannot be \"{}\"", name),
           "Use avg7d (any number of buckets), median28d, weekday, previous or week.");
}

std::string_view condition_name(Condition condition) {
    return kConditions[size_t(condition)].first;
}

std::optional<double> default_threshold(const Inquiry &q) {
    switch (q.condition) {
        case Condition::percentile:
            return 1;
        case Condition::anomaly:
            return detect::default_threshold(q.method, q.grain == Grain::hour
                                                           ? detect::Frequency::hour
                                                           : detect::Frequency::day);
        case Condition::no_data:
        case Condition::vanished_segment:
        case Condition::new_segment:
            return 1;
        default:
            return std::nullopt;
    }
}

void check(const Inquiry &q) {
    if (q.grain == Grain::total || q.grain == Grain::quarter || q.grain == Grain::year)
        refuse("a rule looks at hours, days, weeks or months", "Use hour, day, week or month.");
    const std::string name(condition_name(q.condition));
    if (std::isnan(q.threshold) && !default_threshold(q))
        refuse(fmt::format("condition \"{}\" needs a threshold", name),
               q.condition == Condition::ratio ? "0.7 is 70 % of the baseline." : "");
    if (!std::isnan(q.threshold) && !std::isfinite(q.threshold))
        refuse("threshold must be finite", "");
    const bool relative = q.condition == Condition::ratio || q.condition == Condition::change ||
                          q.condition == Condition::anomaly;
    if (relative && q.threshold <= 0) refuse("threshold must be greater than 0", "");
    if (q.condition == Condition::percentile && (q.threshold <= 0 || q.threshold >= 50))
        refuse("threshold of a percentile must be between 0 and 50",
               "1: below the lowest, or above the highest, hundredth of its own past.");
    const bool buckets =
        q.condition == Condition::no_data || q.condition == Condition::vanished_segment;
    if (buckets && (q.threshold < 1 || q.threshold > 28 || q.threshold != std::floor(q.threshold)))
        refuse(fmt::format("threshold of \"{}\" is a number of buckets from 1 to 28", name), "");
    const bool of_segments =
        q.condition == Condition::vanished_segment || q.condition == Condition::new_segment;
    if (of_segments && !q.segmented)
        refuse(fmt::format("condition \"{}\" needs segments", name), "Say by => '{country}'.");
    if (of_segments && q.is_rate)
        refuse(fmt::format("condition \"{}\" needs a metric that counts, not a rate", name),
               "Use the rate's denominator.");
    if (q.look == Look::open && buckets && q.threshold > 1)
        refuse("an open bucket is one bucket: threshold must be 1", "Or look at closed ones.");
}

int history_of(const Inquiry &q) {
    switch (q.grain) {
        case Grain::hour:
            return 24 * 28;
        case Grain::day:
            return q.condition == Condition::anomaly ? 180 : 91;
        default:
            return 26;
    }
}

}  // namespace kpi::monitor
