#include "worker/conversation.hpp"

#include <algorithm>
#include <string_view>

#include "core/digest.hpp"
#include "net/sink/kind.hpp"
#include "net/text/text.hpp"
#include "pg/waiter.hpp"

namespace kpi::worker {
namespace {

constexpr int64_t kUnixEpoch = 946'684'800;  // 2000-01-01, in seconds since 1970
constexpr size_t kShortest = 4;              // bytes; of less nothing can be told
constexpr std::string_view kMask = "***";
constexpr std::string_view kCut = "...";  // net::excerpt

// A text that was cut at `cut` may end inside a secret: the longest beginning of one is masked.
void mask_before(std::string &text, size_t &cut, const std::vector<std::string> &secrets) {
    size_t longest = 0;
    for (const std::string &secret : secrets)
        for (size_t bytes = std::min(secret.size(), cut); bytes >= kShortest && bytes > longest;
             --bytes)
            if (text.compare(cut - bytes, bytes, secret, 0, bytes) == 0) longest = bytes;
    if (longest == 0) return;
    text.replace(cut - longest, longest, kMask);
    cut += kMask.size() - longest;
}

}  // namespace

int64_t unix_now() { return pg::now() / 1'000'000 + kUnixEpoch; }

std::vector<std::string> secrets_of(const net::Sink &sink) {
    std::vector<std::string> secrets;
    const auto add_forms = [&](const std::string &text) {
        if (text.size() < kShortest) return;
        secrets.push_back(text);
        // As a text that quotes it in one line shows it, as JSON and URLs write it, and in base64.
        const auto json = [&](bool ascii) {
            const std::string quoted =
                nlohmann::json(text).dump(-1, ' ', ascii, nlohmann::json::error_handler_t::replace);
            return quoted.substr(1, quoted.size() - 2);
        };
        for (std::string other : {net::excerpt(text, text.size()), json(false), json(true),
                                  net::percent_encoded(text), to_base64(text)})
            if (other != text) secrets.push_back(std::move(other));
    };
    const auto add = [&](const std::string &text) {
        add_forms(text);
        // "Bearer X": the token alone is the secret.
        const size_t blank = text.find(' ');
        if (blank != std::string::npos && blank < 12) add_forms(text.substr(blank + 1));
    };
    const bool query = sink.url.find('?') != std::string::npos;
    if (query || net::kind(sink.kind).url_is_secret) {
        add(sink.url);
        const size_t host = sink.url.find("://");
        const size_t path = host == std::string::npos ? host : sink.url.find('/', host + 3);
        if (path != std::string::npos && path + 1 < sink.url.size()) add(sink.url.substr(path));
    }
    for (const auto &[name, value] : sink.secret.items())
        if (value.is_string()) add(value.get<std::string>());
    return secrets;
}

void redact(std::string &text, const std::vector<std::string> &secrets) {
    for (const std::string &secret : secrets)
        for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3)
            text.replace(at, secret.size(), kMask);
    for (size_t cut = text.find(kCut); cut != std::string::npos; cut = text.find(kCut, cut + 1))
        mask_before(text, cut, secrets);
}

}  // namespace kpi::worker
