#include "web/guard.hpp"

#include <openssl/rand.h>

#include "core/digest.hpp"
#include "core/error.hpp"

namespace kpi::web {
namespace {

constexpr std::string_view kScheme = "Bearer ";

std::string random_hex(size_t bytes) {
    std::string noise(bytes, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char *>(noise.data()), static_cast<int>(bytes)) != 1)
        throw Error("58000", "no random bytes to be had");
    return hex(noise);
}

std::string mac(std::string_view key, const std::string &said) {
    return hex(hmac_sha256(key, said));
}

}  // namespace

Guard::Guard(const std::vector<std::string> &tokens, std::string secret)
    : key_(secret.empty() ? random_hex(32) : std::move(secret)) {
    for (const std::string &token : tokens) digests_.push_back(mac(key_, "token " + token));
}

bool Guard::admits(std::string_view authorization) const {
    if (digests_.empty()) return true;
    if (!authorization.starts_with(kScheme)) return false;
    // Digests have one length, and all are compared: neither length nor place shows.
    const std::string given =
        mac(key_, "token " + std::string(authorization.substr(kScheme.size())));
    bool found = false;
    for (const std::string &digest : digests_) found |= same_secret(digest, given);
    return found;
}

std::string Guard::new_cookie() { return random_hex(16); }

std::string Guard::csrf_token(std::string_view cookie) const {
    return mac(key_, "csrf " + std::string(cookie));
}

bool Guard::csrf_matches(std::string_view cookie, std::string_view token) const {
    return !cookie.empty() && same_secret(csrf_token(cookie), token);
}

std::string fingerprint(std::string_view body) { return hex(sha256(body)).substr(0, 32); }

std::string_view cookie_of(std::string_view header, std::string_view name) {
    while (!header.empty()) {
        const size_t end = header.find(';');
        std::string_view pair = header.substr(0, end);
        header = end == std::string_view::npos ? std::string_view() : header.substr(end + 1);
        while (pair.starts_with(' ')) pair.remove_prefix(1);
        if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
            return pair.substr(name.size() + 1);
    }
    return {};
}

}  // namespace kpi::web
