#include "web/guard.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>

#include "core/error.hpp"

namespace kpi::web {
namespace {

constexpr std::string_view kScheme = "Bearer ";

std::string hex(const unsigned char *bytes, size_t count) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (size_t i = 0; i < count; ++i) {
        out.push_back(kDigits[bytes[i] >> 4]);
        out.push_back(kDigits[bytes[i] & 15]);
    }
    return out;
}

std::string random_hex(size_t bytes) {
    std::array<unsigned char, 32> noise{};
    if (RAND_bytes(noise.data(), static_cast<int>(bytes)) != 1)
        throw Error("58000", "no random bytes to be had");
    return hex(noise.data(), bytes);
}

std::string hmac(std::string_view key, std::string_view data) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned length = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char *>(data.data()), data.size(), out.data(), &length);
    return hex(out.data(), length);
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

Guard::Guard(const std::vector<std::string> &tokens, std::string secret)
    : key_(secret.empty() ? random_hex(32) : std::move(secret)) {
    for (const std::string &token : tokens) digests_.push_back(hmac(key_, "token " + token));
}

bool Guard::admits(std::string_view authorization) const {
    if (digests_.empty()) return true;
    if (!authorization.starts_with(kScheme)) return false;
    // Digests have one length, and all are compared: neither length nor place shows.
    const std::string given =
        hmac(key_, "token " + std::string(authorization.substr(kScheme.size())));
    bool found = false;
    for (const std::string &digest : digests_) found |= same(digest, given);
    return found;
}

std::string Guard::new_cookie() { return random_hex(16); }

std::string Guard::csrf_token(std::string_view cookie) const {
    return hmac(key_, "csrf " + std::string(cookie));
}

bool Guard::csrf_matches(std::string_view cookie, std::string_view token) const {
    return !cookie.empty() && same(csrf_token(cookie), token);
}

std::string fingerprint(std::string_view body) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned length = 0;
    EVP_Digest(body.data(), body.size(), out.data(), &length, EVP_sha256(), nullptr);
    return hex(out.data(), 16);
}

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
