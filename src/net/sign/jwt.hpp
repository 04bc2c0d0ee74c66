// JSON Web Tokens signed with RS256 (RSASSA-PKCS1-v1_5 over SHA-256), by OpenSSL.
// Sources: RFC 7515 (JWS, compact form), RFC 7518 section 3.3, RFC 7523 (as a grant).
// Errors: 22023 for a key that cannot be used; no text of an error holds any part of it.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace kpi::net {

// `key`: an unencrypted RSA private key of at least 2048 bits, PEM. `key_id`: empty: none.
std::string jwt_rs256(const nlohmann::json &claims, const std::string &key,
                      const std::string &key_id = {});
// What jwt_rs256 would throw for this key.
void check_rs256_key(const std::string &key);

}  // namespace kpi::net
