#include "web/http_error.hpp"

#include <nlohmann/json.hpp>

namespace kpi::web {

std::string HttpError::body() const {
    using nlohmann::json;
    const auto text = [](const std::string &value) { return value.empty() ? json() : json(value); };
    const json out = {{"error",
                       {{"code", code},
                        {"message", message},
                        {"parameter", text(parameter)},
                        {"hint", text(hint)}}}};
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

const char *reason(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 204:
            return "No Content";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 410:
            return "Gone";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        default:
            return "Unknown";
    }
}

}  // namespace kpi::web
