#include "monitor/rule/backtest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "monitor/rule/replay.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

using nlohmann::json;

constexpr int kMostBuckets = 1500;
constexpr std::int64_t kWeek = 7 * kDay;
constexpr double kWeeksOfOne = 4;  // one alarm in so many weeks is few enough

json number(double value) { return std::isfinite(value) ? json(value) : json(); }

std::int64_t width_of(Grain grain) {
    switch (grain) {
        case Grain::hour:
            return kHour;
        case Grain::day:
            return kDay;
        case Grain::week:
            return kWeek;
        default:
            return 30 * kDay;
    }
}

// Buckets in a row of one series that are bad.
json incidents_of(const std::vector<Replayed> &all) {
    json out = json::array();
    const Replayed *before = nullptr;
    for (const Replayed &one : all) {
        const bool goes_on = before != nullptr && before->segment == one.segment &&
                             before->verdict.seen == Seen::bad;
        before = &one;
        if (one.verdict.seen != Seen::bad) continue;
        if (!goes_on)
            out.push_back({{"segment", json::parse(one.segment)},
                           {"from", iso(one.bucket)},
                           {"value", number(one.verdict.value)},
                           {"expected", number(one.verdict.expected)},
                           {"limit", number(one.verdict.limit)},
                           {"buckets", 0}});
        out.back()["to"] = iso(one.bucket);
        out.back()["buckets"] = out.back()["buckets"].get<int>() + 1;
    }
    return out;
}

// Of conditions whose limit is a multiple of the threshold: that of the bucket that is just within.
json suggestion(const Rule &rule, const std::vector<Replayed> &all, double weeks) {
    const Condition condition = rule.question.condition;
    if (condition != Condition::below && condition != Condition::above &&
        condition != Condition::ratio)
        return {};
    std::vector<double> reached;
    bool up = condition == Condition::above;
    for (const Replayed &one : all) {
        const Verdict &v = one.verdict;
        if (!std::isfinite(v.value) || !std::isfinite(v.limit) || v.limit == 0) continue;
        reached.push_back(v.value / v.limit * rule.question.threshold);
        up = up || v.side == Side::up;
    }
    const auto allowed = size_t(weeks / kWeeksOfOne);
    if (reached.size() <= allowed) return {};
    std::sort(reached.begin(), reached.end());
    return reached[up ? reached.size() - 1 - allowed : allowed];
}

// A history is of whole segments: what a filter leaves of them is not in it.
Past past_of(const Rule &rule, Timestamp end, std::int64_t buckets) {
    if (rule.filters != "{}") return {};
    const std::int64_t back = history_of(rule.question) + buckets + 1;
    const std::int64_t longest =
        rule.question.grain == Grain::month ? 31 * kDay : width_of(rule.question.grain);
    return first_seen({rule.metric, rule.question.grain, rule.by},
                      {end.microseconds - back * longest - kDay});
}

std::string values_text(const Replay &replayed) {
    if (replayed.first_seen == 0) return "as they are today, not as they were known then";
    if (replayed.first_seen == replayed.buckets) return "as they were first seen";
    return fmt::format(
        "as they were first seen in {} of {} buckets, as they are today in the others",
        replayed.first_seen, replayed.buckets);
}

json feedback_on(const std::string &rule) {
    json out = json::object();
    for (const Row &row : pg::query("SELECT feedback, pg_catalog.count(*) FROM kpi.incident WHERE "
                                    "rule = $1 AND feedback IS NOT NULL GROUP BY 1",
                                    {rule})
                              .rows)
        out[*row[0]] = std::stoll(*row[1]);
    return out;
}

}  // namespace

std::string backtest(Rule rule, Timestamp start, Timestamp end) {
    const std::int64_t span = end.microseconds - start.microseconds;
    if (span <= 0)
        throw Error("22023", "end_at must be later than start_at", {},
                    "For example now() - interval '90 days' and now().");
    const std::int64_t buckets =
        (span + width_of(rule.question.grain) - 1) / width_of(rule.question.grain);
    if (buckets > kMostBuckets)
        throw Error("22023", fmt::format("from start_at to end_at are {} buckets", buckets), {},
                    fmt::format("A backtest takes {} at most.", kMostBuckets));
    resolve_threshold(rule);
    const Past past = past_of(rule, end, buckets);
    Replay replayed;
    {
        const pg::RunAs reader(rule.role, pg::Restriction::reading);
        replayed = replay(rule, end, int(buckets), past);
    }
    const std::vector<Replayed> &all = replayed.judged;
    const double weeks = double(span) / double(kWeek);
    const json incidents = incidents_of(all);
    json out = {{"rule", rule.name},
                {"from", iso(start)},
                {"to", iso(end)},
                {"judged", all.size()},
                {"incidents", incidents},
                {"firings_a_week", double(incidents.size()) / weeks},
                {"suggested_threshold", suggestion(rule, all, weeks)},
                {"feedback", feedback_on(rule.name)},
                {"values", values_text(replayed)},
                {"buckets", replayed.buckets},
                {"buckets_first_seen", replayed.first_seen}};
    if (rule.question.look == Look::open)
        out["note"] = "judged at the end of each bucket: what its pace said during it is not known";
    return out.dump();
}

}  // namespace kpi::monitor
