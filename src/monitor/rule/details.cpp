#include "monitor/rule/details.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "monitor/explain.hpp"
#include "monitor/incident/tell.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

using nlohmann::json;

constexpr int kPicture = 14;  // values in the sparkline
constexpr size_t kShown = 5;

json number(double value) {
    if (!std::isfinite(value)) return {};
    if (value == std::floor(value) && std::fabs(value) < 1e15) return std::int64_t(value);
    return value;
}

json figures(const Rule &rule, const Reading &reading, const Found &found) {
    const Verdict &v = found.verdict;
    json out = {{"metric", rule.metric},
                {"condition", condition_name(rule.question.condition)},
                {"buckets", rule.question.look == Look::open ? "open" : "closed"},
                {"grain", name(rule.question.grain)},
                {"bucket", iso(reading.bucket.day)},
                {"timezone", reading.zone},
                {"side", v.side == Side::up ? "up" : "down"},
                {"value", number(v.value)},
                {"expected", number(v.expected)},
                {"limit", number(v.limit)},
                {"change_pct", number(change_pct(v))},
                {"share", number(v.share)},
                {"sources", reading.sources}};
    if (!rule.unit.empty()) out["unit"] = rule.unit;
    if (std::isfinite(v.p)) out["p"] = v.p;
    if (rule.runbook) out["runbook"] = *rule.runbook;
    if (!reading.event.empty()) out["event"] = reading.event;
    return out;
}

// What only reads, and only helps: an error of it is no error of the rule.
template <class F>
void attempt(const Rule &rule, F body) {
    try {
        pg::Savepoint savepoint;
        {
            const pg::RunAs reader(rule.role, pg::Restriction::reading);
            body();
        }
        savepoint.release();
    } catch (const Error &error) {
        if (error.error_class() == "57") throw;  // cancelled, or out of time
    }
}

std::string driver(const Explanation &cause) {
    std::string out = segment_text(cause.segment);
    out += fmt::format(" {}{}", cause.change > 0 ? "+" : "", short_number(cause.change));
    if (cause.share) out += fmt::format(" ({} %)", std::lround(100 * *cause.share));
    return out;
}

std::string drivers_of(const Rule &rule, const Reading &reading, const Found &found) {
    const Grain grain = rule.question.grain;
    if (grain != Grain::day && grain != Grain::hour) return {};
    ExplainRequest request;
    request.metric = rule.metric;
    request.at = grain == Grain::day ? iso(reading.bucket.day) : iso(reading.bucket.start);
    request.grain = name(grain);
    request.top = 3;
    json filters = json::parse(rule.filters);
    filters.update(json::parse(found.segment));
    request.filters = filters.dump();
    std::string out;
    for (const Explanation &cause : explain(request))
        if (cause.presence != "overall" && cause.segment != "{}")
            out += (out.empty() ? "" : ", ") + driver(cause);
    return out;
}

void add_lines(const Rule &rule, const Reading &reading, const Found &found, json &details) {
    const Story story = story_of(rule, reading, found);
    std::string first = figures_of(story), causes;
    attempt(rule, [&] {
        const auto values = recent_values(rule, found.segment, reading.now, kPicture);
        if (values.size() > 2) first += " · " + sparkline(values);
    });
    attempt(rule, [&] { causes = drivers_of(rule, reading, found); });
    json lines = {first};
    if (!causes.empty()) lines.push_back(label(story.language, "Drivers") + ": " + causes);
    lines.push_back(reading.event.empty()
                        ? label(story.language, "Ruled out: data checks, calendar")
                        : label(story.language, "Ruled out: data checks") + " · " +
                              label(story.language, "Calendar") + ": " + reading.event);
    details["lines"] = lines;
}

}  // namespace

Story story_of(const Rule &rule, const Reading &reading, const Found &found) {
    Story story;
    story.language = language();
    story.question = &reading.question;
    story.metric = rule.metric;
    story.unit = rule.unit;
    story.segment = segment_text(found.segment);
    story.verdict = found.verdict;
    return story;
}

std::string details_of(const Rule &rule, const Reading &reading, const Found &found) {
    return figures(rule, reading, found).dump();
}

std::string full_details_of(const Rule &rule, const Reading &reading, const Found &found) {
    json details = figures(rule, reading, found);
    add_lines(rule, reading, found, details);
    return details.dump();
}

std::string group_details_of(const Rule &rule, const Reading &reading,
                             const std::vector<const Found *> &members) {
    std::vector<const Found *> worst = members;
    const auto impact = [](const Found *f) {
        const double off = f->verdict.value - f->verdict.expected;
        return std::isfinite(off) ? std::fabs(off) : 0;
    };
    std::stable_sort(worst.begin(), worst.end(),
                     [&](const Found *a, const Found *b) { return impact(a) > impact(b); });
    json details = figures(rule, reading, *worst.front());
    for (const char *single : {"value", "expected", "limit", "change_pct", "share", "p"})
        details.erase(single);
    json lines = json::array(), names = json::array();
    for (const Found *one : worst) {
        names.push_back(json::parse(one->segment));
        if (names.size() == 100) break;
    }
    for (size_t i = 0; i < std::min(kShown, worst.size()); ++i)
        lines.push_back(fmt::format("{}: {}", segment_text(worst[i]->segment),
                                    figures_of(story_of(rule, reading, *worst[i]))));
    if (worst.size() > kShown) lines.push_back(fmt::format("+ {}", worst.size() - kShown));
    details["members"] = worst.size();
    details["segments"] = names;
    details["lines"] = lines;
    return details.dump();
}

std::string labels_of(const Rule &rule, const std::string &segment) {
    json labels = json::parse(rule.labels);
    labels.update(json::parse(segment));
    labels["rule"] = rule.name;
    labels["kind"] = "rule";
    labels["severity"] = rule.severity;
    labels["metric"] = rule.metric;
    return labels.dump();
}

}  // namespace kpi::monitor
