#include "net/sink/object.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace kpi::net {

const std::string &stored(const Message &message) {
    return message.content ? *message.content : message.body;
}

std::string stored_type(const Message &message) {
    if (!message.content) return "application/json";
    if (message.content_type.empty()) return "application/octet-stream";
    if (message.content_type.find_first_of("\r\n") != std::string::npos)
        throw Error("22023", "the content type has more than one line");
    return message.content_type;
}

std::string prefixed(const Sink &sink, std::string_view prefix_option, const std::string &name) {
    std::string prefix = text_option(sink, prefix_option);
    while (prefix.starts_with('/')) prefix.erase(0, 1);
    while (prefix.ends_with('/')) prefix.pop_back();
    return prefix.empty() ? name : prefix + "/" + name;
}

Message test_object(const Sink &sink) {
    Message message;
    message.content = fmt::format("Sink {} of kpi_ext can write here.\n", sink.name);
    message.content_type = "text/plain";
    message.object_key = "kpi_ext-test.txt";
    return message;
}

}  // namespace kpi::net
