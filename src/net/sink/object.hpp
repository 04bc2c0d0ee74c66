// What the sinks that store a message as an object or a file share.
// Errors: 22023 with a hint.
#pragma once

#include <string>
#include <string_view>

#include "net/sink/kind.hpp"

namespace kpi::net {

// What is stored: the content, or the message's JSON when there is none; and its type.
const std::string &stored(const Message &message);
std::string stored_type(const Message &message);
// The option `prefix_option` without the slashes around it, a slash, and `name`.
std::string prefixed(const Sink &sink, std::string_view prefix_option, const std::string &name);
// For kpi.test_sink: a small text that says where it comes from.
Message test_object(const Sink &sink);

}  // namespace kpi::net
