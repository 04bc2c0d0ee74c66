// What a request is refused with: an HTTP status and what the client is told, as the JSON body
// {"error": {"code", "message", "parameter", "hint"}}. Messages as in PostgreSQL: lower case, no
// full stop; hints are sentences. Nothing secret goes in: the body is sent as it is.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace kpi::web {

class HttpError : public std::exception {
public:
    HttpError(unsigned http_status, std::string word, std::string what_happened,
              std::string mend = {}, std::string of_parameter = {})
        : status(http_status),
          code(std::move(word)),
          message(std::move(what_happened)),
          hint(std::move(mend)),
          parameter(std::move(of_parameter)) {}

    const char *what() const noexcept override { return message.c_str(); }
    std::string body() const;
    // Throws the same once more.
    [[noreturn]] void raise() const { throw HttpError(status, code, message, hint, parameter); }

    unsigned status;
    std::string code, message, hint, parameter;
};

// The words behind a status, e.g. "Not Found".
const char *reason(unsigned status);

}  // namespace kpi::web
