// delivery: the outbox. Sees pg/, net/ and core/.
//
// The sinks as the courier uses them: options read, secrets resolved. Needs an open Spi.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "net/wire/http.hpp"
#include "net/wire/step.hpp"

namespace kpi::delivery {

// What every kind of sink may be told. Errors: 22023 for a value of the wrong type or out of range.
struct Pace {
    int parallel = 4;       // option parallelism: messages in flight
    double rate = 0;        // option rate: messages a second; 0: no limit
    int max_attempts = 25;  // option max_attempts
    // options timeout and connect_timeout in seconds, response_bytes, cacert
    net::Limits limits;
};
// Their names.
inline constexpr std::array<std::string_view, 7> kPaceOptions = {
    "parallelism",     "rate",           "max_attempts", "timeout",
    "connect_timeout", "response_bytes", "cacert"};
Pace pace(const net::Sink &sink);

// References of the URL and the secrets become what they stand for. Errors: 55000.
void resolve_all(net::Sink &sink);

struct Spec {
    net::Sink sink;
    int parallel = 4;
    double rate = 0;
    int max_attempts = 25;
    net::Limits limits;
    std::string unusable;    // why nothing can be sent; empty: it can
    bool open = false;       // the breaker is open, or the receiver asked for a pause
    bool half_open = false;  // the breaker lets one message through
};
// Every sink, also those that are unusable or open. What one of them has wrong is its `unusable`.
std::vector<Spec> every_sink();

}  // namespace kpi::delivery
