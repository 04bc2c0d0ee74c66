// Adding and dropping sinks. Needs an open Spi; writes as the extension's owner.
// Errors: 22023 and 42602 for what cannot be used, 42501 for references to the server's environment
// and files without the right to read them, 42704 for a sink that does not exist. No text of an
// error quotes the URL or a secret.
#pragma once

#include <string>

#include "core/table.hpp"

namespace kpi::delivery {

struct NewSink {
    std::string name, kind;
    std::string url;              // empty: none
    std::string options, secret;  // JSON texts
    bool from_environment = false;
};
// Replaces a sink of the same name; its breaker is closed again. Warns when a reference cannot be
// read yet, and then checks neither URL nor secrets; when kpi.allowed_hosts lacks a host it calls.
void add_sink(ObjectId caller, const NewSink &given);
// Its waiting messages are cancelled, said by a NOTICE. Waits for transactions that queue messages
// for it.
void drop_sink(const std::string &name);

// Whoever may make the server read its files and environment may use references. Errors: 42501.
void check_reader(ObjectId caller);

// scheme://host[:port]/... when the URL may hold a secret, as it is otherwise.
std::string shown_url(const std::string &url, bool is_secret);

}  // namespace kpi::delivery
