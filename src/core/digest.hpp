// Digests and encodings for signatures, by OpenSSL. Digests are raw bytes in a string.
// Sources: FIPS 180-4 (SHA-256), RFC 1321 (MD5), RFC 2104 (HMAC), RFC 4648 (base64).
// Errors: 22023 for text that is no base64.
#pragma once

#include <string>
#include <string_view>

namespace kpi {

std::string sha256(std::string_view data);
// Only for Content-MD5, which guards against damage. Empty where OpenSSL has none (FIPS mode).
std::string md5(std::string_view data);
std::string hmac_sha256(std::string_view key, std::string_view data);
std::string hex(std::string_view bytes);  // lower case
// Of digits as hex() and encode(..., 'hex') write them.
std::string from_hex(std::string_view digits);
std::string to_base64(std::string_view bytes);
// Alphabet of URLs, without padding.
std::string to_base64url(std::string_view bytes);
std::string from_base64(std::string_view text);
// Whether both are alike, in a time that tells only whether they are equally long.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace kpi
