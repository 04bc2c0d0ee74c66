#include "web/head.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <ctime>

#include "web/http_error.hpp"

namespace kpi::web {
namespace {

// No inline script or style anywhere: a name of a segment that gets into the page as markup runs
// nothing. form-action: the page that acknowledges has a form.
constexpr const char *kSecurity =
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=()\r\n"
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri "
    "'none'; "
    "form-action 'self'; frame-ancestors 'none'\r\n";

}  // namespace

Response text_response(unsigned status, std::string text, std::string type) {
    Response out;
    out.status = status;
    out.body = std::make_shared<const Body>(std::move(text), std::move(type));
    return out;
}

std::string head_of(const Response &response, const Framing &framing,
                    const std::string &allowed_origin) {
    std::string out =
        fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", response.status,
                    reason(response.status), fmt::gmtime(std::time(nullptr)));
    const auto header = [&](std::string_view name, std::string_view value) {
        fmt::format_to(std::back_inserter(out), "{}: {}\r\n", name, value);
    };
    if (response.body) {
        header("Content-Type", response.body->type());
        if ((response.status == 200 || response.status == 304) && !response.is_open_ended)
            header("ETag", response.body->etag());
    }
    if (framing.is_gzip) header("Content-Encoding", "gzip");
    header("Vary", "Accept-Encoding, Authorization, Origin");
    header("Cache-Control", response.cache);
    for (const auto &[name, value] : response.headers) header(name, value);
    if (!allowed_origin.empty()) {
        header("Access-Control-Allow-Origin", allowed_origin);
        header("Access-Control-Allow-Headers", "Authorization, Last-Event-ID, X-CSRF-Token");
        header("Access-Control-Allow-Methods", "GET, HEAD");
        header("Access-Control-Expose-Headers", "ETag, Content-Disposition, Retry-After");
    }
    out += kSecurity;
    const bool has_length = framing.kind == Framing::Kind::length;
    if (has_length && response.status != 304 && response.status != 204)
        header("Content-Length", std::to_string(framing.length));
    if (framing.kind == Framing::Kind::chunked) header("Transfer-Encoding", "chunked");
    header("Connection", framing.keep_alive ? "keep-alive" : "close");
    out += "\r\n";
    return out;
}

bool accepts_gzip(std::string_view header) {
    bool any = false;  // by "*"
    while (!header.empty()) {
        const size_t comma = std::min(header.find(','), header.size());
        std::string one;  // in lower case, without spaces
        for (const char c : header.substr(0, comma))
            if (c != ' ' && c != '\t')
                one += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        header.remove_prefix(std::min(comma + 1, header.size()));
        const size_t end = std::min(one.find(';'), one.size());
        const std::string_view name = std::string_view(one).substr(0, end);
        const std::string_view weight = std::string_view(one).substr(end);
        const bool wanted = !weight.starts_with(";q=0") ||
                            weight.find_first_of("123456789", 4) != std::string_view::npos;
        if (name == "gzip" || name == "x-gzip") return wanted;
        if (name == "*") any = wanted;
    }
    return any;
}

bool names_etag(std::string_view header, std::string_view etag) {
    if (header == "*") return true;
    if (etag.starts_with("W/")) etag.remove_prefix(2);
    for (size_t at = 0; at < header.size();) {
        const size_t comma = std::min(header.find(',', at), header.size());
        std::string_view one = header.substr(at, comma - at);
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == etag) return true;
        at = comma + 1;
    }
    return false;
}

}  // namespace kpi::web
