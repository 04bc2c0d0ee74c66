#include "core/markup.hpp"

namespace kpi {
namespace {

std::string escaped(std::string_view text, std::string_view which) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (which.find(c) == std::string_view::npos) {
            out += c;
            continue;
        }
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += "&#39;";
        }
    }
    return out;
}

}  // namespace

std::string markup_escaped(std::string_view text) { return escaped(text, "&<>"); }
std::string attribute_escaped(std::string_view text) { return escaped(text, "&<>\"'"); }

}  // namespace kpi
