// A link in a message acts on one incident: what it asks for, and the token that carries it.
//
//   a.142.1764300000.<mac>     acknowledge incident 142, until that unix second
//   s4.142.1764300000.<mac>    silence it for 4 hours from when the link is followed
// <mac> is HMAC-SHA256 over what precedes it, in base64url. No SQL, no clock.
//
// Units: unix seconds, hours. Errors: 28000 for a token that is damaged or of another key, 55000
// for one that has expired, 22023 for an action that there is not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kpi::monitor {

struct Act {
    int hours = 0;  // of silence; 0: acknowledge
    std::string_view name() const { return hours == 0 ? "acknowledge" : "snooze"; }
};

struct Claim {
    Act act;
    std::int64_t incident = 0, expires_at = 0;
};

// "acknowledge", "snooze" (4 hours), "snooze 24"
Act act_of(const std::string &action);
std::string token_of(std::string_view key, const Claim &claim);
Claim claim_of(std::string_view key, std::string_view token, std::int64_t now);
// By which the story of an incident knows a link again: tells nothing about its token.
std::string mark_of_token(std::string_view token);

}  // namespace kpi::monitor
