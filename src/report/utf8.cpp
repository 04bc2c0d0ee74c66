#include "report/utf8.hpp"

namespace kpi::report {
namespace {

constexpr const char *kReplacement = "\uFFFD";

bool follows(std::string_view text, size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

// Bytes of the character that begins at `at`; 0: it is none, or a control character.
size_t length_at(std::string_view text, size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    if (first < 0x80)
        return (first >= 0x20 && first != 0x7F) || first == '\t' || first == '\n' || first == '\r';
    size_t length = 0;
    if (first >= 0xC2 && first <= 0xDF) length = 2;
    if (first >= 0xE0 && first <= 0xEF) length = 3;
    if (first >= 0xF0 && first <= 0xF4) length = 4;
    if (length == 0) return 0;
    for (size_t i = 1; i < length; ++i)
        if (!follows(text, at + i)) return 0;
    const auto second = static_cast<unsigned char>(text[at + 1]);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
    if (overlong || beyond) return 0;
    // C1 controls, and the two that are no characters
    if (first == 0xC2 && second < 0xA0) return 0;
    const auto third = static_cast<unsigned char>(length > 2 ? text[at + 2] : 0);
    return first == 0xEF && second == 0xBF && third >= 0xBE ? 0 : length;
}

}  // namespace

std::string clean(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        const size_t length = length_at(text, at);
        if (length == 0) {
            out += kReplacement;
            ++at;
        } else {
            out += text.substr(at, length);
            at += length;
        }
    }
    return out;
}

std::string clipped(std::string_view text, size_t characters) {
    size_t seen = 0, last = 0;
    for (size_t at = 0; at < text.size(); ++at) {
        if (follows(text, at)) continue;
        if (++seen == characters) last = at;
        if (seen > characters) return std::string(text.substr(0, last)) + "…";
    }
    return std::string(text);
}

}  // namespace kpi::report
