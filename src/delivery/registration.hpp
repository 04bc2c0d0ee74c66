// Adding and dropping sinks. Needs an open Spi; writes as the extension's owner.
// Errors: 22023 and 42602 for what cannot be used, 42501 for references to the server's environment
// and files without the right to read them, 42704 for a sink that does not exist. No text of an
// error quotes the URL or a secret.
#pragma once

#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::delivery {

struct NewSink {
    std::string name, kind;
    std::string url;              // empty: none
    std::string options, secret;  // JSON texts
    bool from_environment = false;
};
// Replaces a sink of the same name; its breaker is closed again. Warns when kpi.allowed_hosts does
// not hold the URL's host.
void add_sink(ObjectId caller, const NewSink &given);
// Its waiting messages are cancelled, said by a NOTICE. Waits for transactions that queue messages
// for it.
void drop_sink(const std::string &name);

// A sink that the server's environment describes, and what became of it.
struct FromEnvironment {
    std::string sink, kind;
    std::string state;   // added, changed, unchanged, skipped
    std::string reason;  // why it was skipped; empty otherwise
};
// Adds the sinks of net/environment.hpp, each by itself: one that cannot be used is skipped. Sinks
// that were added by hand are left alone. Errors: 42501 without the right to read the environment.
std::vector<FromEnvironment> sinks_from_environment(ObjectId caller);

// scheme://host[:port]/... when the URL may hold a secret, as it is otherwise.
std::string shown_url(const std::string &url, bool is_secret);

}  // namespace kpi::delivery
