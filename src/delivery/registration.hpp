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
// Becomes the caller's. Replaces a sink of the same name, which keeps its owner: 42501 unless the
// caller may run it (kpi._may_run); its breaker is closed again. Warns when a reference cannot be
// read yet, and then checks neither URL nor secrets; when kpi.allowed_hosts lacks a host it calls.
void add_sink(ObjectId caller, const NewSink &given);
// Its waiting messages are cancelled, said by a NOTICE. Waits for transactions that queue messages
// for it.
void drop_sink(ObjectId caller, const std::string &name);

// Errors: 42704, 42501. Sharing twice, and taking back what was not shared, changes nothing.
void share_sink(ObjectId caller, const std::string &name, ObjectId role);
void unshare_sink(ObjectId caller, const std::string &name, ObjectId role);

// What a caller wants of a sink: change it, or send to it.
enum class Use { change, send };
// Errors: 42704 no such sink, 42501 with the way to get the right. Runs as whoever calls it.
void check_use(ObjectId caller, const std::string &sink, Use use);

// Whoever may make the server read its files and environment may use references. Errors: 42501.
void check_reader(ObjectId caller);

// scheme://host[:port]/... when the URL may hold a secret, as it is otherwise.
std::string shown_url(const std::string &url, bool is_secret);

}  // namespace kpi::delivery
