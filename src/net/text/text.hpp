// Texts as protocols write them. ASCII rules in every locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kpi::net {

bool is_alphanumeric(char c);
std::string lower(std::string_view text);
// Of a text in UTF-8: code points, and the units of UTF-16 that JavaScript counts.
size_t characters(std::string_view text);
size_t utf16_units(std::string_view text);
// What RFC 3986 calls unreserved stays, and what `kept` holds; everything else is %XX.
std::string percent_encoded(std::string_view text, std::string_view kept = "-._~");
// "Tue, 24 Nov 2026 10:00:00" in UTC: RFC 9110 adds " GMT" to it, RFC 5322 " +0000".
std::string date_text(int64_t unix_time);
// Of this machine: what is sent there without TLS stays on it. `url` has a scheme and no user.
bool is_loopback_url(std::string_view url);

}  // namespace kpi::net
