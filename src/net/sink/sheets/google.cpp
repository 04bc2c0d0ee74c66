#include "net/sink/sheets/google.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "net/sign/jwt.hpp"
#include "net/text/text.hpp"
#include "net/wire/answer.hpp"

namespace kpi::net::sheets {
namespace {

using nlohmann::json;

constexpr int64_t kLifetime = 3600;  // of a JWT, the most that Google takes
constexpr int64_t kReserve = 60;     // of a token, for the request that carries it
constexpr int64_t kSameTime = 5;     // a smaller difference of clocks refuses no JWT
constexpr size_t kMostKept = 100;    // tokens

TokenCache &tokens() {
    static TokenCache cache;
    return cache;
}

std::string cache_key(const GoogleCaller &caller) {
    return caller.account.fingerprint + " " + caller.scope;
}

// What a server quotes of a secret, and its links.
std::string cleaned(std::string text, const std::string &secret) {
    if (!secret.empty())
        for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3)
            text.replace(at, secret.size(), "***");
    for (size_t at = 0; (at = text.find("://", at)) != std::string::npos;) {
        const size_t blank = text.find_last_of(" \t\r\n", at);
        const size_t begin = blank == std::string::npos ? 0 : blank + 1;
        text.replace(begin, text.find_first_of(" \t\r\n", at) - begin, "(a link)");
        at = begin;
    }
    return excerpt(text, 300);
}

bool is_limit_of_rate(const std::string &reason) {
    return reason == "rateLimitExceeded" || reason == "userRateLimitExceeded" ||
           reason == "RATE_LIMIT_EXCEEDED" || reason == "RESOURCE_EXHAUSTED";
}

// Google's reasons, in the forms of its old and its new answers.
bool is_limit_of_rate(const json &said) {
    if (is_limit_of_rate(text_at(said, "/error/status"))) return true;
    for (const char *list : {"/error/details", "/error/errors"}) {
        const json reasons = found_at(said, list);
        if (!reasons.is_array()) continue;
        for (const json &one : reasons)
            if (is_limit_of_rate(text_at(one, "/reason"))) return true;
    }
    return false;
}

Outcome no_token(const Response &answer, int64_t now, const std::string &assertion) {
    Outcome outcome = judge(answer, now);
    if (answer.fault != Fault::none || (answer.status >= 300 && answer.status < 400))
        return outcome;
    if (outcome.state == Outcome::State::delivered) outcome.state = Outcome::State::dead;
    const json said = json::parse(answer.body, nullptr, false);
    const std::string fault = text_at(said, "/error");
    const std::string why = text_at(said, "/error_description");
    outcome.error = fmt::format("no access token: the token server answered {}", answer.status);
    if (!fault.empty()) outcome.error += ", " + cleaned(fault, assertion);
    if (!why.empty()) outcome.error += ": " + cleaned(why, assertion);
    if (fault == "invalid_grant")
        outcome.error +=
            "; is the key of the service account still valid, and the server's clock right";
    return outcome;
}

// How far the server's clock is ahead of ours, when it says so.
int64_t ahead(const Response &answer, int64_t now) {
    const auto date = answer.headers.find("date");
    if (date == answer.headers.end()) return 0;
    const time_t there = curl_getdate(date->second.c_str(), nullptr);
    return there < 0 ? 0 : there - now;
}

using Caller = std::shared_ptr<GoogleCaller>;
using Then = std::function<Step()>;

Step ask_for_token(const Caller &caller, int64_t skew, Then then) {
    const std::string assertion =
        token_assertion(caller->account, caller->scope, caller->clock.now() + skew);
    Request request;
    request.url = caller->account.token_uri;
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = fmt::format("grant_type={}&assertion={}",
                               percent_encoded("urn:ietf:params:oauth:grant-type:jwt-bearer"),
                               percent_encoded(assertion));
    return exchange(
        std::move(request),
        [caller, skew, assertion, then = std::move(then)](const Response &answer) -> Step {
            const int64_t now = caller->clock.now();
            const json said = json::parse(answer.body, nullptr, false);
            const std::string token = text_at(said, "/access_token");
            if (answer.status == 200 && answer.fault == Fault::none && !token.empty()) {
                const json lifetime = said.value("expires_in", json());
                tokens().keep(cache_key(*caller), token,
                              lifetime.is_number() ? lifetime.get<int64_t>() : 0, now);
                caller->token = token;
                return then();
            }
            const int64_t difference = ahead(answer, now);
            if (skew == 0 && text_at(said, "/error") == "invalid_grant" &&
                std::abs(difference) > kSameTime)
                return ask_for_token(caller, difference, then);
            return no_token(answer, now, assertion);
        });
}

Step with_token(const Caller &caller, Then then) {
    if (caller->token.empty())
        caller->token =
            tokens().find(cache_key(*caller), caller->clock.now()).value_or(std::string());
    return caller->token.empty() ? ask_for_token(caller, 0, std::move(then)) : then();
}

std::string field(const json &file, const char *name) {
    std::string text = text_at(file, fmt::format("/{}", name).c_str());
    if (text.empty())
        throw Error("22023", fmt::format("the key file of the service account has no \"{}\"", name),
                    {}, "Give the file that Google made, as it is.");
    return text;
}

}  // namespace

bool is_safe_url(std::string_view url) {
    const bool tls = url.starts_with("https://");
    return (tls || (url.starts_with("http://") && is_loopback_url(url))) &&
           url.size() > (tls ? 8 : 7) &&
           url.find_first_of("@?#\\ \r\n\t") == std::string_view::npos;
}

ServiceAccount service_account(std::string_view file) {
    const json parsed = json::parse(file, nullptr, false);
    if (!parsed.is_object())
        throw Error("22023", "the key file of the service account is no JSON object", {},
                    "Give the text of the file that Google made, or file:/path of it.");
    if (text_at(parsed, "/type") != "service_account")
        throw Error("22023", "the key file is not one of a service account", {},
                    "Its \"type\" is service_account; make one with a key of the form JSON.");
    ServiceAccount account{field(parsed, "client_email"), text_at(parsed, "/private_key_id"),
                           field(parsed, "private_key"), field(parsed, "token_uri"),
                           hex(sha256(file))};
    if (!is_safe_url(account.token_uri))
        throw Error("22023", "the token_uri of the service account is not valid", {},
                    "It is an https:// address.");
    check_rs256_key(account.private_key);
    return account;
}

std::string token_assertion(const ServiceAccount &account, std::string_view scope,
                            int64_t unix_time) {
    return jwt_rs256({{"iss", account.email},
                      {"scope", scope},
                      {"aud", account.token_uri},
                      {"iat", unix_time},
                      {"exp", unix_time + kLifetime}},
                     account.private_key, account.key_id);
}

std::optional<std::string> TokenCache::find(const std::string &key, int64_t unix_time) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || unix_time >= found->second.until) return std::nullopt;
    return found->second.token;
}

void TokenCache::keep(const std::string &key, std::string token, int64_t lifetime,
                      int64_t unix_time) {
    std::erase_if(entries_, [&](const auto &entry) { return unix_time >= entry.second.until; });
    if (entries_.size() >= kMostKept) entries_.clear();
    if (lifetime > kReserve) entries_[key] = {std::move(token), unix_time + lifetime - kReserve};
}

Step google_call(const Caller &caller, std::function<Request()> make,
                 std::function<Step(const Response &)> then) {
    return with_token(caller, [caller, make = std::move(make), then = std::move(then)]() -> Step {
        Request request = make();
        request.headers.emplace_back("Authorization", "Bearer " + caller->token);
        return exchange(std::move(request), [caller, make, then](const Response &answer) -> Step {
            if (answer.status != 401 || caller->renewed) return then(answer);
            caller->renewed = true;
            caller->token.clear();
            tokens().forget(cache_key(*caller));
            return google_call(caller, make, then);
        });
    });
}

Outcome judge_google(const Response &answer, const GoogleCaller &caller) {
    Outcome outcome = judge(answer, caller.clock.now());
    if (outcome.error.empty() || answer.fault != Fault::none ||
        (answer.status >= 300 && answer.status < 400))
        return outcome;
    const json said = json::parse(answer.body, nullptr, false);
    const std::string status = text_at(said, "/error/status");
    const std::string message = text_at(said, "/error/message");
    outcome.error = fmt::format("Google answered {}", answer.status);
    if (!status.empty()) outcome.error += ", " + cleaned(status, caller.token);
    if (!message.empty()) outcome.error += ": " + cleaned(message, caller.token);
    if ((answer.status == 403 && is_limit_of_rate(said)) || status == "ABORTED") {
        Response limited = answer;  // Retry-After is read from answers that ask for it
        limited.status = 429;
        outcome.state = Outcome::State::retry;
        outcome.retry_after = judge(limited, caller.clock.now()).retry_after;
    }
    return outcome;
}

}  // namespace kpi::net::sheets
