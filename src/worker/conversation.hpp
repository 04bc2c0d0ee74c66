// What the courier and kpi.test_sink share: steps of a conversation whose faults are the message's
// own, and texts without secrets.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "net/wire/step.hpp"

namespace kpi::worker {

// Seconds since 1970.
int64_t unix_now();

// What no text may show: every secret of the sink, and what kpi.sink does not show of its URL. A
// receiver may quote them.
std::vector<std::string> secrets_of(const net::Sink &sink);
// Also what is left of one where net::excerpt has cut the text. For texts that are shown: an answer
// is data, in which the name of a user may stand for something else.
void redact(std::string &text, const std::vector<std::string> &secrets);

// Runs a part of a conversation; what it throws is the message's end.
template <class F>
net::Step guarded(const F &part) {
    net::Outcome fault;
    fault.state = net::Outcome::State::dead;
    try {
        return part();
    } catch (const Error &error) {
        fault.error = error.message;
    } catch (const nlohmann::json::exception &) {
        fault.error = "the message or the answer is not what this kind of sink understands";
    }
    return fault;
}

}  // namespace kpi::worker
