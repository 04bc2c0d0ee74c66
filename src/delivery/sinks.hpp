// delivery: the outbox. Sees pg/, net/ and core/.
//
// The sinks as the courier uses them: options read, secrets resolved. Needs an open Spi.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http.hpp"
#include "net/step.hpp"

namespace kpi::delivery {

// What every kind of sink may be told. Errors: 22023 for a value of the wrong type or out of range.
struct Pace {
    int parallel = 4;       // option parallelism: messages in flight
    double rate = 0;        // option rate: messages a second; 0: no limit
    int max_attempts = 25;  // option max_attempts
    // options timeout and connect_timeout in seconds, response_bytes, cacert
    net::Limits limits;
};
Pace pace(const net::Sink &sink);

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
std::vector<Spec> usable_sinks();

// env:NAME or file:/path instead of a value.
bool is_reference(std::string_view text);
// What a reference stands for, without the blanks around it; other texts as they are.
// Errors: 55000 when it cannot be read; the text names the reference, never its value.
std::string resolve(const std::string &text);

}  // namespace kpi::delivery
