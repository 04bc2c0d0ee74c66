#include "monitor/incident/token.hpp"

#include <fmt/format.h>

#include <charconv>

#include "core/digest.hpp"
#include "core/error.hpp"

namespace kpi::monitor {
namespace {

constexpr int kUsualHours = 4, kMostHours = 168;
constexpr size_t kLongest = 200;  // of a token; ours have less than half of it
constexpr std::string_view kSnooze = "snooze";

// A key signs one kind of thing: no other signature of it can be taken for a link's.
std::string mac_of(std::string_view key, std::string_view said) {
    return to_base64url(hmac_sha256(key, fmt::format("kpi_ext link 1\n{}", said)));
}

std::int64_t number(std::string_view text) {
    std::int64_t value = -1;
    const auto end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    return read.ec == std::errc() && read.ptr == end ? value : -1;
}

[[noreturn]] void refuse() {
    throw Error("28000", "the token of the link is not valid", {},
                "It is damaged, or was made by another database or before kpi.rotate_link_key. A "
                "later message about the incident has another link.");
}

}  // namespace

Act act_of(const std::string &action) {
    if (action == "acknowledge") return {};
    if (action == kSnooze) return {kUsualHours};
    const std::string_view text = action;
    if (text.starts_with(kSnooze) && text.size() > kSnooze.size() && text[kSnooze.size()] == ' ')
        if (const auto hours = number(text.substr(kSnooze.size() + 1));
            hours >= 1 && hours <= kMostHours)
            return {int(hours)};
    throw Error("22023", fmt::format("action cannot be \"{}\"", action), {},
                fmt::format("Use acknowledge, snooze ({} hours), or snooze with 1 to {} hours: "
                            "snooze 24.",
                            kUsualHours, kMostHours));
}

std::string token_of(std::string_view key, const Claim &claim) {
    const std::string act = claim.act.hours == 0 ? "a" : fmt::format("s{}", claim.act.hours);
    const std::string said = fmt::format("{}.{}.{}", act, claim.incident, claim.expires_at);
    return said + "." + mac_of(key, said);
}

Claim claim_of(std::string_view key, std::string_view token, std::int64_t now) {
    const size_t last = token.rfind('.');
    if (last == std::string_view::npos || token.size() > kLongest) refuse();
    const std::string_view said = token.substr(0, last);
    if (!same_secret(token.substr(last + 1), mac_of(key, said))) refuse();
    // What is signed was written by token_of.
    const size_t first = said.find('.'), second = said.find('.', first + 1);
    Claim claim;
    if (said[0] == 's') claim.act.hours = int(number(said.substr(1, first - 1)));
    claim.incident = number(said.substr(first + 1, second - first - 1));
    claim.expires_at = number(said.substr(second + 1));
    if (claim.expires_at <= now)
        throw Error("55000", "the token of the link has expired", {},
                    "A later message about the incident has another link; a member of kpi_operator "
                    "makes one with kpi.incident_link.");
    return claim;
}

std::string mark_of_token(std::string_view token) { return hex(sha256(token)); }

}  // namespace kpi::monitor
