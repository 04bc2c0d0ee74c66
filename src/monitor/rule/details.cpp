#include "monitor/rule/details.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
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
constexpr int kDrivers = 3;
constexpr double kLeastShare = 0.05;  // of a driver that is worth a word

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

// What only reads, and only helps: an error of it is no error of the rule, and stands in the
// details.
void attempt(const Rule &rule, json &details, const std::function<void()> &body) {
    const auto error = pg::tried([&] {
        const pg::RunAs reader(rule.role, pg::Restriction::reading);
        body();
    });
    if (error) details["incomplete"] = fmt::format("{}: {}", error->sqlstate, error->message);
}

std::string driver(const Explanation &cause) {
    std::string out = segment_text(cause.segment);
    out += fmt::format(" {}{}", cause.change > 0 ? "+" : "", short_number(cause.change));
    if (cause.share) out += fmt::format(" ({} %)", std::lround(100 * *cause.share));
    return out;
}

json as_list(const json &value) { return value.is_array() ? value : json::array({value}); }

// Rows may be of both, unless a dimension of both keeps them apart.
bool overlap(const json &a, const json &b) {
    return std::none_of(a.items().begin(), a.items().end(), [&](const auto &item) {
        const auto theirs = b.find(item.key());
        if (theirs == b.end()) return false;
        const json mine = as_list(item.value()), others = as_list(*theirs);
        return std::none_of(mine.begin(), mine.end(), [&](const json &value) {
            return std::find(others.begin(), others.end(), value) != others.end();
        });
    });
}

std::string drivers_of(const Rule &rule, const Reading &reading, const Found &found) {
    const Grain grain = rule.question.grain;
    if (grain != Grain::day && grain != Grain::hour) return {};
    // Where the whole went the other way, or where it was to be, no part of it drove it there.
    const double moved = found.verdict.value - found.verdict.expected;
    if (found.verdict.side == Side::up ? moved <= 0 : moved >= 0) return {};
    ExplainRequest request;
    request.metric = rule.metric;
    request.at = grain == Grain::day ? iso(reading.bucket.day) : iso(reading.bucket.start);
    request.grain = name(grain);
    request.top = 2 * kDrivers;
    json filters = json::parse(rule.filters);
    filters.update(json::parse(found.segment));
    request.filters = filters.dump();
    std::string out;
    std::vector<json> said;
    for (const Explanation &cause : explain(request)) {
        if (cause.presence == "overall" || cause.segment == "{}") continue;
        if (cause.share && std::fabs(*cause.share) < kLeastShare) continue;
        // What went the other way explains nothing.
        if ((cause.change > 0) != (found.verdict.side == Side::up)) continue;
        const json segment = json::parse(cause.segment);
        // Shares of parts that overlap do not add up: what is said already stands for the others.
        const bool is_said = std::any_of(
            said.begin(), said.end(), [&](const json &other) { return overlap(segment, other); });
        if (is_said || said.size() == kDrivers) continue;
        out += (out.empty() ? "" : ", ") + driver(cause);
        said.push_back(segment);
    }
    return out;
}

// Only what was looked at: checks of every source of the metric that are all well, and a calendar
// that has entries, but none for this day.
std::string ruled_out(const Reading &reading, Language language) {
    const Table table = pg::query(R"(
        SELECT pg_catalog.bool_and(EXISTS (
                   SELECT FROM kpi.check c JOIN kpi.check_state s ON s.name = c.name WHERE c.source = n AND c.enabled AND s.state = 'ok')
               AND NOT EXISTS (
                   SELECT FROM kpi.check c JOIN kpi.check_state s ON s.name = c.name WHERE c.source = n AND c.enabled AND s.state <> 'ok')),
               EXISTS (SELECT FROM kpi.event)
          FROM pg_catalog.unnest($1) n)",
                                  {reading.sources});
    std::string out;
    if (table.rows[0][0] == "t") out = label(language, "data checks");
    if (table.rows[0][1] == "t" && reading.event.empty())
        out += (out.empty() ? "" : ", ") + label(language, "calendar");
    return out;
}

void add_lines(const Rule &rule, const Reading &reading, const Found &found, json &details) {
    const Story story = story_of(rule, reading, found);
    std::string first = figures_of(story), causes;
    attempt(rule, details, [&] {
        const auto values = recent_values(rule, found.segment, reading.now, kPicture);
        if (values.size() > 2) first += " · " + sparkline(values);
    });
    attempt(rule, details, [&] { causes = drivers_of(rule, reading, found); });
    json lines = {first};
    if (!causes.empty()) lines.push_back(label(story.language, "Drivers") + ": " + causes);
    if (!reading.event.empty())
        lines.push_back(label(story.language, "Calendar") + ": " + reading.event);
    if (const std::string out = ruled_out(reading, story.language); !out.empty())
        lines.push_back(label(story.language, "Ruled out") + ": " + out);
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
