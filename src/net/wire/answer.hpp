// What the JSON of an answer holds, whatever shape it has. Places are JSON pointers (RFC 6901),
// /error/status.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace kpi::net {

// null when there is nothing.
inline nlohmann::json found_at(const nlohmann::json &said, const char *place) {
    const nlohmann::json::json_pointer pointer(place);
    return said.is_structured() && said.contains(pointer) ? said[pointer] : nlohmann::json();
}

// Empty when there is no text.
inline std::string text_at(const nlohmann::json &said, const char *place) {
    const nlohmann::json found = found_at(said, place);
    return found.is_string() ? found.get<std::string>() : std::string();
}

}  // namespace kpi::net
