#include "report/sheet_names.hpp"

#include "core/utf8.hpp"

namespace kpi::report {
namespace {

constexpr size_t kMost = 31;

// A character of four bytes counts twice: spreadsheets count the units of UTF-16.
std::string first_units(std::string_view text, size_t most) {
    size_t units = 0, end = 0;
    while (end < text.size()) {
        const auto byte = static_cast<unsigned char>(text[end]);
        const size_t length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
        units += length == 4 ? 2 : 1;
        if (units > most) break;
        end += length;
    }
    return std::string(text.substr(0, end));
}

std::string trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" '");
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(" '") - first + 1));
}

std::string allowed(std::string_view title) {
    std::string out = clean(title);
    for (char &c : out)
        if (std::string_view("[]:*?/\\\t\r\n").find(c) != std::string_view::npos) c = ' ';
    return trimmed(first_units(trimmed(out), kMost));
}

// Small letters of ASCII, Latin-1, Greek and Cyrillic: spreadsheets take É and é for one.
std::string folded(std::string_view name) {
    std::string out(name);
    for (size_t i = 0; i < out.size(); ++i) {
        if (out[i] >= 'A' && out[i] <= 'Z') out[i] = char(out[i] + 32);
        if (i == 0) continue;
        const auto lead = static_cast<unsigned char>(out[i - 1]);
        const auto byte = static_cast<unsigned char>(out[i]);
        if (lead == 0xC3 && byte >= 0x80 && byte <= 0x9E) out[i] = char(byte + 0x20);
        if (lead == 0xCE && byte >= 0x91 && byte <= 0x9F) out[i] = char(byte + 0x20);
        if (lead == 0xCE && byte >= 0xA0 && byte <= 0xA9) {
            out[i - 1] = char(0xCF);
            out[i] = char(byte - 0x20);
        }
        if (lead == 0xD0 && byte >= 0x90 && byte <= 0x9F) out[i] = char(byte + 0x20);
        if (lead == 0xD0 && byte >= 0xA0 && byte <= 0xAF) {
            out[i - 1] = char(0xD1);
            out[i] = char(byte - 0x20);
        }
    }
    return out;
}

}  // namespace

std::string SheetNames::next(std::string_view title) {
    std::string name = allowed(title);
    // Excel keeps this one for itself
    if (name.empty() || folded(name) == "history") name = name.empty() ? "Sheet" : name + " 1";
    std::string unique = name;
    for (int number = 2; !taken_.insert(folded(unique)).second; ++number) {
        const std::string suffix = " " + std::to_string(number);
        unique = trimmed(first_units(name, kMost - suffix.size())) + suffix;
    }
    return unique;
}

}  // namespace kpi::report
