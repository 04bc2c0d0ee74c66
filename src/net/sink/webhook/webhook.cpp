// net/sink: the kinds of sink, one file each. Here the webhook: one POST to any HTTP receiver.
//
// The body is the message as it is, or the content when there is one. Options: headers (an object
// of texts), method (POST, PUT or PATCH). Secrets: authorization, the value of that header;
// headers, an object of others; hmac_key: X-Kpi-Signature is "sha256=" and the hex
// HMAC-SHA256 of "<X-Kpi-Timestamp>.<body>", so that the receiver can refuse forged and replayed
// calls. Idempotency-Key is the same in every attempt of a message
// (draft-ietf-httpapi-idempotency-key-header).
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "net/sink/kind.hpp"
#include "net/text/text.hpp"

namespace kpi::net::webhook {
namespace {

// Those we write ourselves, or that would change where the message goes.
constexpr std::array<std::string_view, 6> kOwnHeaders = {"host",
                                                         "content-length",
                                                         "idempotency-key",
                                                         "x-kpi-timestamp",
                                                         "x-kpi-signature",
                                                         "transfer-encoding"};

bool is_token(std::string_view name) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
        return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
    });
}

// Options are shown and dumped: what looks like a secret must not stand there.
bool looks_secret(std::string_view name) {
    constexpr std::array<std::string_view, 8> kMarks = {
        "authorization", "cookie", "token", "secret", "passw", "api-key", "apikey", "signature"};
    return std::any_of(kMarks.begin(), kMarks.end(), [&](std::string_view mark) {
        return name.find(mark) != std::string_view::npos;
    });
}

void add_header(Headers &headers, const std::string &name, const nlohmann::json &value) {
    const std::string plain = lower(name);
    if (!is_token(name) || !value.is_string() ||
        value.get<std::string>().find_first_of("\r\n") != std::string::npos)
        throw Error("22023", fmt::format("header \"{}\" of the sink is not valid", name), {},
                    "A header has a name without blanks and a text of one line.");
    if (std::find(kOwnHeaders.begin(), kOwnHeaders.end(), plain) != kOwnHeaders.end())
        throw Error("22023", fmt::format("header \"{}\" cannot be set", name), {},
                    "It is written for every message.");
    if (std::any_of(headers.begin(), headers.end(),
                    [&](const auto &header) { return lower(header.first) == plain; }))
        throw Error("22023", fmt::format("header \"{}\" is given twice", name), {},
                    "Give it once, in options or in secret; names of headers have no case.");
    headers.emplace_back(name, value.get<std::string>());
}

Headers custom_headers(const Sink &sink) {
    Headers headers;
    if (const auto found = sink.options.find("headers"); found != sink.options.end()) {
        if (!found->is_object())
            throw Error("22023", "option \"headers\" of the sink must be an object of texts");
        for (const auto &[name, value] : found->items()) {
            if (looks_secret(lower(name)))
                throw Error("22023",
                            fmt::format("header \"{}\" is a secret: it cannot be an option", name),
                            "Options are shown to others and stand in dumps.",
                            "Give it as secret => '{\"headers\": {\"" + name +
                                "\": \"...\"}}'; the value may be env:NAME or file:/path.");
            add_header(headers, name, value);
        }
    }
    if (const std::string value = secret(sink, "authorization"); !value.empty())
        add_header(headers, "Authorization", value);
    for (const auto &[name, value] : sink.secret.items())
        if (name.starts_with(kHeaderSecret))
            add_header(headers, name.substr(kHeaderSecret.size()), value);
    return headers;
}

std::string method(const Sink &sink) {
    std::string word = text_option(sink, "method", "POST");
    if (word != "POST" && word != "PUT" && word != "PATCH")
        throw Error("22023", "option \"method\" of a webhook must be POST, PUT or PATCH");
    return word;
}

void check_sink(const Sink &sink) {
    (void)custom_headers(sink);
    (void)method(sink);
}

void check_message(const Sink &, const Message &message) {
    if (message.content && message.content_type.empty())
        throw Error("22023", "the content of a message needs a content_type");
}

Step deliver(const Sink &sink, const Message &message) {
    Request request;
    request.method = method(sink);
    request.url = sink.url;
    request.headers = custom_headers(sink);
    const auto has = [&](std::string_view wanted) {
        return std::any_of(request.headers.begin(), request.headers.end(),
                           [&](const auto &h) { return lower(h.first) == wanted; });
    };
    request.body = message.content ? *message.content : message.body;
    if (!has("content-type"))
        request.headers.emplace_back("Content-Type",
                                     message.content ? message.content_type : "application/json");
    request.headers.emplace_back("Idempotency-Key", message.idempotency_key);
    const std::string timestamp = std::to_string(message.unix_time);
    request.headers.emplace_back("X-Kpi-Timestamp", timestamp);
    if (const std::string key = secret(sink, "hmac_key"); !key.empty())
        request.headers.emplace_back(
            "X-Kpi-Signature", "sha256=" + hex(hmac_sha256(key, timestamp + "." + request.body)));
    return exchange(std::move(request), [now = message.unix_time](const Response &answer) -> Step {
        return judge(answer, now);
    });
}

Message test_message(const Sink &sink) {
    Message message;
    message.body = nlohmann::json{{"test", true}, {"sink", sink.name}, {"from", "kpi_ext"}}.dump();
    return message;
}

}  // namespace

const Kind kKind = {
    .name = "webhook",
    .url_is_secret = true,
    .needs_url = true,
    .options = {"headers", "method"},
    .secrets = {"hmac_key", "authorization"},
    .has_secret_headers = true,
    .check_sink = check_sink,
    .check_message = check_message,
    .deliver = deliver,
    .test_message = test_message,
};

}  // namespace kpi::net::webhook
