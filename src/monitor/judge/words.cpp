#include "monitor/judge/words.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace kpi::monitor {
namespace {

bool spanish(const Story &s) { return s.language == Language::spanish; }

std::string subject(const Story &s) {
    return s.segment.empty() ? s.metric : s.metric + " " + s.segment;
}

std::string amount(const Story &s, double value) {
    std::string number = short_number(value);
    if (s.unit.empty() || !std::isfinite(value)) return number;
    return s.unit == "%" ? number + " %" : number + " " + s.unit;
}

bool is_open(const Story &s) { return s.question->look == Look::open; }
bool is_paced(const Story &s) { return is_open(s) && s.question->paced; }

const char *period(const Story &s) {
    static constexpr std::array<std::pair<const char *, const char *>, 4> kPeriods = {
        {{"hour", "hora"}, {"day", "día"}, {"week", "semana"}, {"month", "mes"}}};
    const auto &pair = kPeriods[std::min<size_t>(size_t(s.question->grain), 3)];
    return spanish(s) ? pair.second : pair.first;
}

bool is_absolute(const Story &s) {
    return s.question->condition == Condition::below || s.question->condition == Condition::above;
}

std::string limit_text(const Story &s) {
    const bool high = s.verdict.side == Side::up;
    const std::string by_now =
        is_paced(s) && !high ? (spanish(s) ? " a esta hora" : " by now") : "";
    const char *where =
        spanish(s) ? (high ? "por encima de" : "por debajo de") : (high ? "above" : "below");
    return fmt::format("{} {} {}, {} {}{}", subject(s), spanish(s) ? "es" : "is",
                       amount(s, s.verdict.value), where, amount(s, s.verdict.limit), by_now);
}

std::string expectation_text(const Story &s) {
    const double change = change_pct(s.verdict);
    if (std::isnan(change)) return limit_text(s);
    const bool high = change > 0;
    const char *where =
        spanish(s) ? (high ? "por encima de" : "por debajo de") : (high ? "above" : "below");
    return fmt::format("{} {} {} % {} {}", subject(s), spanish(s) ? "está un" : "is",
                       short_number(std::fabs(change)), where,
                       spanish(s) ? "lo esperado" : "expected");
}

}  // namespace

std::string label(Language language, const char *english) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kLabels = {
        {{"Drivers", "Causas"},
         {"link", "enlace"},
         {"Calendar", "Calendario"},
         {"Ruled out", "Descartado"},
         {"data checks", "controles de datos"},
         {"calendar", "calendario"},
         {"worst", "peor"}}};
    for (const auto &[word, palabra] : kLabels)
        if (word == english && language == Language::spanish) return std::string(palabra);
    return english;
}

std::string title_of(const Story &s) {
    switch (s.question->condition) {
        case Condition::no_data:
            return fmt::format("{}: {}", subject(s), spanish(s) ? "sin datos" : "no data");
        case Condition::vanished_segment:
            return fmt::format("{} {}", subject(s),
                               spanish(s) ? "ha desaparecido" : "has vanished");
        case Condition::new_segment:
            return fmt::format("{} {}: {}", spanish(s) ? "segmento nuevo en" : "new segment in",
                               s.metric, s.segment);
        default:
            break;
    }
    return is_absolute(s) ? limit_text(s) : expectation_text(s);
}

std::string title_of_many(const Story &s, int members, int series) {
    const Inquiry &q = *s.question;
    const char *what = nullptr;
    if (q.condition == Condition::no_data || q.condition == Condition::vanished_segment)
        what = spanish(s) ? "sin datos" : "has no data";
    else if (q.condition == Condition::new_segment)
        what = spanish(s) ? "es nuevo" : "is new";
    else if (s.verdict.side == Side::up)
        what = spanish(s) ? "está alto" : "is high";
    else
        what = spanish(s) ? "está bajo" : "is low";
    return fmt::format("{} {} {} {} {} {} {}", s.metric, what, spanish(s) ? "en" : "in", members,
                       spanish(s) ? "de" : "of", series, spanish(s) ? "segmentos" : "segments");
}

std::string figures_of(const Story &s) {
    const Verdict &v = s.verdict;
    std::string out = amount(s, v.value);
    if (is_paced(s))
        out += spanish(s) ? fmt::format(" hasta ahora ({} % de un {} normal)",
                                        std::lround(v.share * 100), period(s))
                          : fmt::format(" so far ({} % of a usual {})", std::lround(v.share * 100),
                                        period(s));
    if (std::isfinite(v.expected))
        out += fmt::format(", {} {}", spanish(s) ? "esperado" : "expected", amount(s, v.expected));
    if (std::isfinite(v.limit))
        out += fmt::format(", {} {}", spanish(s) ? "límite" : "limit", amount(s, v.limit));
    return out;
}

std::string why(const Story &s) {
    const Verdict &v = s.verdict;
    if (v.seen == Seen::bad) return title_of(s);
    if (v.seen == Seen::good) return "within its limits: " + figures_of(s);
    if (std::isnan(v.value)) return "no value";
    if (std::isnan(v.limit) && std::isnan(v.expected)) return "not enough history yet";
    if (is_open(s)) return "not clear yet: " + figures_of(s);
    return "not to be judged, or between threshold and hysteresis: " + figures_of(s);
}

std::string segment_text(const std::string &segment) {
    const auto word = [](const nlohmann::json &value) {
        return value.is_string() ? value.get<std::string>() : value.dump();
    };
    std::string out;
    const auto values = nlohmann::json::parse(segment);
    for (const auto &[key, value] : values.items()) {
        if (!out.empty()) out += "/";
        if (!value.is_array()) {
            out += word(value);
            continue;
        }
        for (size_t i = 0; i < value.size(); ++i) out += (i == 0 ? "" : "+") + word(value[i]);
    }
    return out;
}

double change_pct(const Verdict &v) {
    if (!std::isfinite(v.expected) || v.expected == 0 || !std::isfinite(v.value)) return kNone;
    return 100 * (v.value - v.expected) / std::fabs(v.expected);
}

}  // namespace kpi::monitor
