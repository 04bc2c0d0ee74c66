#include "report/text.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace kpi::report {

Language parse_language(std::string_view word) {
    if (word == "en") return Language::english;
    if (word == "es") return Language::spanish;
    throw Error("22023", fmt::format("there are no reports in the language \"{}\"", word), {},
                "Use en or es.");
}

std::string_view code(Language language) { return language == Language::spanish ? "es" : "en"; }

Format percent_format() { return {Style::percent, {}, 1}; }

Text phrase(std::string_view key) { return Phrase{std::string(key), {}}; }

}  // namespace kpi::report
