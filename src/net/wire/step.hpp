// How a sink delivers one message: a chain of requests, each of which looks at the answer before.
//
//   Step deliver(const Sink &sink, const Message &message) {
//       return exchange(post(sink, message), [now = message.unix_time](const Response &answer) {
//           return Step(judge(answer, now));
//       });
//   }
//
// A step is either the outcome or the next exchange. The continuation owns what it needs: sink and
// message may be gone when it runs.
// Errors: a sink throws kpi::Error when a message or its own options cannot be used; the message is
// then dead with that text. No text of an outcome or error holds a URL or a secret.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <nlohmann/json.hpp>

#include "net/wire/http.hpp"

namespace kpi::net {

// A sink with its secrets resolved.
struct Sink {
    std::string name, kind, url;
    nlohmann::json options = nlohmann::json::object();
    nlohmann::json secret = nlohmann::json::object();  // values are strings
    std::string file_directory;                        // kpi.file_directory
};

struct Message {
    int64_t id = 0;
    std::string idempotency_key;  // the same in every attempt
    std::string body;             // the JSON text as PostgreSQL prints it; empty: none
    std::optional<std::string> content;
    std::string content_type, object_key;
    int64_t unix_time = 0;  // of this attempt, seconds
    // Outcome::result of the earlier message that this one names; null: none was delivered
    nlohmann::json reference;
};

struct Outcome {
    enum class State { delivered, retry, dead };
    State state = State::delivered;
    int status = 0;
    std::string error;                   // empty when delivered
    std::optional<int64_t> retry_after;  // seconds, as the receiver asked
    nlohmann::json result;               // what later messages may refer to; null: nothing
    bool receiver_down = false;          // counts towards the sink's circuit breaker
};

struct Exchange;
using Step = std::variant<Outcome, std::unique_ptr<Exchange>>;

struct Exchange {
    Request request;
    std::function<Step(const Response &)> then;
};

Step exchange(Request request, std::function<Step(const Response &)> then);

// The usual judgement. 2xx: delivered. Timeouts, DNS, TLS, lost connections, 5xx, 408, 425, 429:
// retry, obeying Retry-After (seconds or an HTTP date). Redirects, other 4xx, blocked hosts and
// answers that are too large: dead.
Outcome judge(const Response &answer, int64_t unix_time);

// Printable, one line, at most `most` bytes, cut between characters.
std::string excerpt(std::string_view text, size_t most = 200);

}  // namespace kpi::net
