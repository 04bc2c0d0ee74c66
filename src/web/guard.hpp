// Who may ask: bearer tokens, and the token that proves a POST came from our own page. Compared in
// constant time: how long it takes tells nothing of a token.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kpi::web {

class Guard {
public:
    // `secret` empty: random, so CSRF tokens end with this run.
    Guard(const std::vector<std::string> &tokens, std::string secret);

    // `authorization`: the header's value.
    bool admits(std::string_view authorization) const;
    // A new cookie's value, and the token that belongs to it.
    static std::string new_cookie();
    std::string csrf_token(std::string_view cookie) const;
    bool csrf_matches(std::string_view cookie, std::string_view token) const;

private:
    std::string key_;
    std::vector<std::string> digests_;
};

// First 128 bits of SHA-256, as hexadecimal digits: a strong ETag.
std::string fingerprint(std::string_view body);
// The value of a cookie in a Cookie header; empty: there is none.
std::string_view cookie_of(std::string_view header, std::string_view name);

}  // namespace kpi::web
