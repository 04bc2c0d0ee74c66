#include "report/sentence.hpp"

#include "core/error.hpp"
#include "report/calendar_words.hpp"
#include "report/catalogue.hpp"
#include "report/numbers.hpp"

namespace kpi::report {
namespace {

struct Speaker {
    Language language;

    std::string operator()(const std::string &literal) const { return literal; }
    std::string operator()(int64_t number) const {
        return shown(std::to_string(number), {}, language, Length::whole);
    }
    std::string operator()(const Amount &amount) const {
        return shown(amount.value, amount.format, language, amount.length);
    }
    std::string operator()(const Change &change) const {
        return shown_change(change, language).text;
    }
    std::string operator()(Date day) const { return day_words(day, language); }
    std::string operator()(const Period &period) const { return period_words(period, language); }
    std::string operator()(Local time) const { return time_words(time, language); }
    std::string operator()(Seconds lasted) const { return duration_words(lasted); }
};

bool is_many(const Phrase &phrase) {
    for (const auto &[name, argument] : phrase.arguments)
        if (name == "count") {
            const auto *number = std::get_if<int64_t>(&argument);
            return number == nullptr || *number != 1;
        }
    return false;
}

}  // namespace

std::string sentence(const Text &text, Language language) {
    if (const auto *literal = std::get_if<std::string>(&text)) return *literal;
    const Phrase &phrase = std::get<Phrase>(text);
    const Words &words = entry_of(phrase.key).words(language);
    Arguments arguments;
    for (const auto &[name, argument] : phrase.arguments)
        arguments[name] = std::visit(Speaker{language}, argument);
    return fill(!words.many.empty() && is_many(phrase) ? words.many : words.one, arguments);
}

}  // namespace kpi::report
