#include "core/utf8.hpp"

#include <algorithm>

namespace kpi {
namespace {

constexpr const char *kReplacement = "\uFFFD";

bool follows(std::string_view text, size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

// Bytes of the character that begins at `at`; 0: there is none.
size_t length_at(std::string_view text, size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    if (first < 0x80) return 1;
    size_t length = 0;
    if (first >= 0xC2 && first <= 0xDF) length = 2;
    if (first >= 0xE0 && first <= 0xEF) length = 3;
    if (first >= 0xF0 && first <= 0xF4) length = 4;
    for (size_t i = 1; i < length; ++i)
        if (!follows(text, at + i)) return 0;
    if (length < 3) return length;
    const auto second = static_cast<unsigned char>(text[at + 1]);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
    return overlong || beyond ? 0 : length;
}

// Controls of ASCII (but tab and line ends) and C1, and the two code points that are no characters.
bool is_unwritable(std::string_view character) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(character[at]); };
    const unsigned first = byte(0);
    if (character.size() == 1)
        return (first < 0x20 && first != '\t' && first != '\n' && first != '\r') || first == 0x7F;
    if (character.size() == 2) return first == 0xC2 && byte(1) < 0xA0;
    return first == 0xEF && byte(1) == 0xBF && byte(2) >= 0xBE;
}

}  // namespace

bool is_utf8(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
        const size_t length = length_at(text, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

std::string clean(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        const size_t length = length_at(text, at);
        const std::string_view character = text.substr(at, std::max<size_t>(length, 1));
        if (length == 0 || is_unwritable(character))
            out += kReplacement;
        else
            out += character;
        at += character.size();
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

}  // namespace kpi
