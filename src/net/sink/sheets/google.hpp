// Google's APIs as a service account: its key file, access tokens, and what an answer means.
//
// A token is bought with a JWT signed by the account's key and kept in this process until a minute
// before it ends. One thread. Times in unix seconds.
// Sources: Google's "Using OAuth 2.0 for Server to Server Applications"; AIP-193 (errors).
// Errors: 22023 with a hint. No text of an outcome or error holds a key, a token or a URL.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/sign/signing_clock.hpp"
#include "net/wire/step.hpp"

namespace kpi::net::sheets {

struct ServiceAccount {
    std::string email, key_id, private_key;
    std::string token_uri;    // where tokens are asked for, and the audience of the JWT
    std::string fingerprint;  // of the whole file
};

// `file`: the JSON text of the key file. token_uri has TLS, or is on this machine.
ServiceAccount service_account(std::string_view file);
// https://, or http:// to this machine; no user, query or blank: where a token may be sent.
bool is_safe_url(std::string_view url);

std::string token_assertion(const ServiceAccount &account, std::string_view scope,
                            int64_t unix_time);

class TokenCache {
public:
    std::optional<std::string> find(const std::string &key, int64_t unix_time) const;
    // `lifetime` as the server said it; the last minute is not used.
    void keep(const std::string &key, std::string token, int64_t lifetime, int64_t unix_time);
    void forget(const std::string &key) { entries_.erase(key); }

private:
    struct Entry {
        std::string token;
        int64_t until;
    };
    std::map<std::string, Entry> entries_;
};

// Who calls an API.
struct GoogleCaller {
    ServiceAccount account;
    std::string scope;
    SigningClock clock{0};
    std::string token;     // empty: none yet
    bool renewed = false;  // a token was refused and another one asked for
};

// Makes the request, with a token, and goes on with its answer. A token that is refused (401) is
// thrown away and another one is asked for, once for each caller. A JWT that is refused is signed
// again with the server's time when ours differs. The step is an outcome when there is no token.
Step google_call(const std::shared_ptr<GoogleCaller> &caller, std::function<Request()> make,
                 std::function<Step(const Response &)> then);

// judge(), with Google's own status and message in place of its answer. Limits of rate are tried
// again, whatever their status.
Outcome judge_google(const Response &answer, const GoogleCaller &caller);

}  // namespace kpi::net::sheets
