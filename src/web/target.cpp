#include "web/target.hpp"

#include "core/utf8.hpp"
#include "web/http_error.hpp"

namespace kpi::web {
namespace {

constexpr size_t kParameters = 64;

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

HttpError bad(const char *message) {
    return {400, "bad_url", message, "Write such characters as %XX of their UTF-8 form."};
}

enum class Plus { kept, is_space };

std::string decoded(std::string_view text, Plus plus) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) throw bad("a percent sign in the URL without two digits");
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus == Plus::is_space) {
            c = ' ';
        }
        if (is_control(c)) throw bad("a control character in the URL");
        out.push_back(c);
    }
    if (!is_utf8(out)) throw bad("the URL is not valid UTF-8");
    return out;
}

// RFC 9112: a proxy's request may name scheme and host.
std::string_view without_origin(std::string_view target) {
    const size_t scheme = target.find("://");
    if (target.starts_with('/') || scheme == std::string_view::npos) return target;
    const size_t path = target.find('/', scheme + 3);
    return path == std::string_view::npos ? "/" : target.substr(path);
}

}  // namespace

NamedTexts parse_form(std::string_view text) {
    NamedTexts out;
    while (!text.empty()) {
        const size_t end = text.find('&');
        const std::string_view pair = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (pair.empty()) continue;
        if (out.size() == kParameters)
            throw HttpError(400, "too_many_parameters", "more than 64 parameters");
        const size_t equals = pair.find('=');
        out.emplace_back(decoded(pair.substr(0, equals), Plus::is_space),
                         equals == std::string_view::npos
                             ? std::string()
                             : decoded(pair.substr(equals + 1), Plus::is_space));
    }
    return out;
}

Target parse_target(std::string_view target) {
    target = without_origin(target);
    if (!target.starts_with('/')) throw bad("the URL has no path");
    if (target.find('#') != std::string_view::npos) throw bad("a fragment in the URL");
    const size_t query = target.find('?');
    Target out;
    out.path = decoded(target.substr(0, query), Plus::kept);
    if (query != std::string_view::npos) out.parameters = parse_form(target.substr(query + 1));
    return out;
}

}  // namespace kpi::web
