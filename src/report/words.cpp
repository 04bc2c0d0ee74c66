#include "report/words.hpp"

#include <algorithm>

#include "report/calendar_words.hpp"
#include "report/sentence.hpp"

namespace kpi::report {
namespace {

enum class Place : uint8_t { below, on, above };

// Against the range of what is expected by now; without one, within a twentieth is on pace.
std::optional<Place> place_of(const Pace &pace) {
    const auto value = finite(std::string_view(pace.value));
    if (!value) return std::nullopt;
    const double now = approximate(*value);
    if (pace.range) {
        if (now < approximate(pace.range->low)) return Place::below;
        return now > approximate(pace.range->high) ? Place::above : Place::on;
    }
    const auto expected = finite(pace.expected);
    if (!expected) return std::nullopt;
    const double due = approximate(*expected), slack = std::abs(due) / 20;
    if (now < due - slack) return Place::below;
    return now > due + slack ? Place::above : Place::on;
}

// 100 value / whole
std::optional<Decimal> share_of(const std::optional<Decimal> &value, const Decimal &whole) {
    const auto part = finite(value), all = finite(std::string_view(whole));
    if (!part || !all || approximate(*all) == 0) return std::nullopt;
    return rounded(std::to_string(100 * approximate(*part) / approximate(*all)), 1);
}

std::string target_words(const Document &document, const Metric &metric, const Figure &figure) {
    const Target &target = *figure.target;
    const Format &format = metric.format;
    const auto share = share_of(figure.value, target.due.value_or(target.value));
    if (!share) return {};
    if (!target.due)
        return sentence(Phrase{"target_of",
                               {{"share", Amount{*share, percent_format()}},
                                {"target", Amount{target.value, format}}}},
                        document.language);
    return sentence(Phrase{"target_due",
                           {{"share", Amount{*share, percent_format()}},
                            {"due", Amount{*target.due, like(format, target.value)}},
                            {"target", Amount{target.value, format}}}},
                    document.language);
}

const char *key_of(Severity severity) {
    if (severity == Severity::critical) return "critical";
    return severity == Severity::warning ? "warning" : "info";
}

}  // namespace

bool is_web(std::string_view url) {
    if (!url.starts_with("https://") && !url.starts_with("http://")) return false;
    return std::none_of(url.begin(), url.end(), [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '<' || c == '>';
    });
}

std::string capitalised(std::string words) {
    if (!words.empty() && words[0] >= 'a' && words[0] <= 'z') words[0] = char(words[0] - 32);
    return words;
}

std::string arrow(Direction direction) {
    if (direction == Direction::up) return "▲ ";
    return direction == Direction::down ? "▼ " : "";
}

std::vector<std::string> headline_parts(const Document &document) {
    const Language language = document.language;
    std::vector<std::string> parts = {sentence(document.title, language)};
    if (!document.environment.empty()) parts.push_back(document.environment);
    parts.push_back(capitalised(period_words(document.period, language)));
    if (document.only) parts.push_back(sentence(*document.only, language));
    if (document.data_until)
        parts.push_back(sentence(
            Phrase{"data_until", {{"time", *document.data_until}, {"zone", document.zone}}},
            language));
    return parts;
}

std::vector<Text> state_of(const Document &document) {
    std::vector<Text> out;
    if (document.version > 1)
        out.emplace_back(Phrase{"restates", {{"version", int64_t{document.version}}}});
    out.insert(out.end(), document.notes.begin(), document.notes.end());
    return out;
}

std::string comparison_words(const Document &document, const Metric &metric, const Figure &figure,
                             const Comparison &comparison) {
    const Language language = document.language;
    const Change change = {figure.value, comparison.before, metric.format.style};
    const ShownChange by = shown_change(change, language);
    return sentence(
        Phrase{"compared",
               {{"change", arrow(by.direction) + by.text},
                {"against", sentence(comparison.against, language)},
                {"before", shown(comparison.before, metric.format, language, Length::brief)}}},
        language);
}

std::vector<std::string> figure_words(const Document &document, const Metric &metric,
                                      const Figure &figure) {
    const Language language = document.language;
    std::vector<std::string> out;
    if (figure.expected)
        out.push_back(sentence(Phrase{"expected_range",
                                      {{"low", Amount{figure.expected->low, metric.format}},
                                       {"high", Amount{figure.expected->high, metric.format}}}},
                               language));
    if (figure.share)
        out.push_back(
            sentence(Phrase{"share_of_total", {{"share", Amount{*figure.share, percent_format()}}}},
                     language));
    if (figure.target)
        if (const std::string words = target_words(document, metric, figure); !words.empty())
            out.push_back(words);
    return out;
}

std::string pace_words(const Document &document, const Figure &figure) {
    const Metric &metric = metric_of(document, figure.metric);
    const auto place = place_of(*figure.pace);
    const char *key = "pace_unknown";
    if (place)
        key = *place == Place::on      ? "pace_on"
              : *place == Place::below ? "pace_below"
                                       : "pace_above";
    return sentence(Phrase{key,
                           {{"metric", title_of(metric)},
                            {"value", Amount{figure.pace->value, metric.format}}}},
                    document.language);
}

std::string open_words(const Document &document) {
    const OpenPeriod &open = *document.open;
    return sentence(Phrase{"open_so_far",
                           {{"period", open.period},
                            {"elapsed", Amount{open.elapsed_percent, {Style::percent, "", 0}}},
                            {"time", open.until}}},
                    document.language);
}

std::vector<std::string> event_words(const Document &document, const Event &event) {
    const Language language = document.language;
    std::vector<std::string> out = {sentence(phrase(key_of(event.severity)), language),
                                    event.title};
    if (!event.ended)
        out.push_back(sentence(Phrase{"open_since", {{"time", event.began}}}, language));
    else
        out.push_back(time_words(event.began, language));
    if (event.lasted) out.push_back(duration_words(*event.lasted));
    if (!event.owner.empty()) out.push_back(event.owner);
    if (!event.note.empty()) out.push_back(event.note);
    return out;
}

}  // namespace kpi::report
