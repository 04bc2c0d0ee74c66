#include "monitor/judge/notice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace kpi::monitor {
namespace {

constexpr std::int64_t kMinute = 60'000'000;

struct Words {
    const char *critical, *warning, *info;
    const char *still, *nobody, *silence_ended, *resolved, *acknowledged;
    const char *since, *lasted, *owner, *runbook;
    const char *acknowledge, *snooze, *snoozed;
};

constexpr Words kEnglish = {
    .critical = "CRITICAL",
    .warning = "WARNING",
    .info = "INFO",
    .still = "still: ",
    .nobody = "nobody has acknowledged: ",
    .silence_ended = "fires again, silence ended: ",
    .resolved = "RESOLVED",
    .acknowledged = "acknowledged by",
    .since = "since",
    .lasted = "lasted",
    .owner = "Owner",
    .runbook = "Runbook",
    .acknowledge = "Acknowledge",
    .snooze = "Snooze",
    .snoozed = "snoozed until",
};

constexpr Words kSpanish = {
    .critical = "CRÍTICO",
    .warning = "AVISO",
    .info = "INFO",
    .still = "sigue: ",
    .nobody = "nadie lo ha reconocido: ",
    .silence_ended = "vuelve a sonar, fin del silencio: ",
    .resolved = "RESUELTO",
    .acknowledged = "reconocido por",
    .since = "desde",
    .lasted = "duró",
    .owner = "Responsable",
    .runbook = "Guía",
    .acknowledge = "Reconocer",
    .snooze = "Silenciar",
    .snoozed = "silenciado hasta",
};

const Words &words_of(Language language) {
    return language == Language::spanish ? kSpanish : kEnglish;
}

std::string_view mark_of(const Notice &n) {
    if (n.tiding == Tiding::resolved) return "✅";
    if (n.tiding == Tiding::escalated) return "⏫";
    if (n.severity == "critical") return "🔴";
    return n.severity == "warning" ? "🟠" : "🔵";
}

std::string_view rank_of(const Notice &n, const Words &words) {
    if (n.tiding == Tiding::resolved) return words.resolved;
    if (n.severity == "critical") return words.critical;
    return n.severity == "warning" ? words.warning : words.info;
}

std::string_view turn_of(const Notice &n, const Words &words) {
    switch (n.tiding) {
        case Tiding::repeated:
            return words.still;
        case Tiding::escalated:
            return words.nobody;
        case Tiding::unmuted:
            return words.silence_ended;
        default:
            return "";
    }
}

std::string join(const std::vector<std::string> &parts) {
    return fmt::format("{}", fmt::join(parts, " · "));
}

}  // namespace

std::string headline(const Notice &n) {
    const Words &words = words_of(n.language);
    std::vector<std::string> where;
    if (!n.environment.empty()) where.push_back(n.environment);
    where.push_back(fmt::format("#K-{}", n.id));
    const bool over = n.tiding == Tiding::resolved;
    if (over)
        where.push_back(fmt::format("{} {}", words.lasted, duration(n.lasted)));
    else if (!n.since.empty())
        where.push_back(fmt::format("{} {}, {}", words.since, n.since, duration(n.lasted)));
    return fmt::format("{} {} {}{} ({})", mark_of(n), rank_of(n, words), turn_of(n, words), n.title,
                       join(where));
}

std::string plain_text(const Notice &n) {
    const Words &words = words_of(n.language);
    std::string out = headline(n);
    for (const std::string &line : n.lines) out += "\n" + line;
    std::vector<std::string> last;
    if (!n.acknowledged_by.empty())
        last.push_back(fmt::format("{} {}", words.acknowledged, n.acknowledged_by));
    if (!n.snoozed_until.empty())
        last.push_back(fmt::format("{} {}", words.snoozed, n.snoozed_until));
    if (!n.assignee.empty()) last.push_back(fmt::format("{} {}", words.owner, n.assignee));
    if (!n.runbook.empty() && n.tiding != Tiding::resolved)
        last.push_back(fmt::format("{}: {}", words.runbook, n.runbook));
    if (!last.empty()) out += "\n" + join(last);
    for (const Link &link : n.links)
        out += fmt::format("\n{}: {}", link_label(n.language, link), link.url);
    return out;
}

std::string link_label(Language language, const Link &link) {
    const Words &words = words_of(language);
    return link.hours == 0 ? words.acknowledge : fmt::format("{} {} h", words.snooze, link.hours);
}

std::string duration(std::int64_t microseconds) {
    const std::int64_t minutes = std::max<std::int64_t>(0, microseconds) / kMinute;
    const std::int64_t hours = minutes / 60, days = hours / 24;
    if (hours == 0) return fmt::format("{} min", minutes);
    if (days == 0) return fmt::format("{} h {} min", hours, minutes % 60);
    return fmt::format("{} d {} h", days, hours % 24);
}

std::string short_number(double value) {
    if (!std::isfinite(value)) return "n/a";
    static constexpr std::array<std::pair<double, const char *>, 4> kUnits = {
        {{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e3, "K"}}};
    const double size = std::fabs(value);
    for (const auto &[unit, letter] : kUnits)
        if (size >= unit * 0.9995) return fmt::format("{:.3g}{}", value / unit, letter);
    if (size >= 999.5) return "1K";
    return fmt::format("{:.3g}", value);
}

std::string sparkline(std::span<const double> values) {
    static constexpr std::array<const char *, 7> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇"};
    double low = 0, high = 0;
    bool any = false;
    for (const double v : values) {
        if (!std::isfinite(v)) continue;
        low = any ? std::min(low, v) : v;
        high = any ? std::max(high, v) : v;
        any = true;
    }
    std::string out;
    for (const double v : values) {
        if (!std::isfinite(v)) {
            out += " ";
            continue;
        }
        const double place = high > low ? (v - low) / (high - low) : 0;
        out += kBars[size_t(std::lround(place * double(kBars.size() - 1)))];
    }
    return out;
}

std::string_view tiding_name(Tiding tiding) {
    static constexpr std::array<std::string_view, 8> kNames = {
        "none",      "opened",   "unmuted",      "repeated",
        "escalated", "resolved", "acknowledged", "snoozed"};
    return kNames[size_t(tiding)];
}

}  // namespace kpi::monitor
