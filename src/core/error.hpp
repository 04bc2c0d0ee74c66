// core: the ground floor. Plain C++20 (std, fmt, nlohmann/json); no PostgreSQL, no curl. Everything
// may include it.
//
// The one exception of the project. It carries what PostgreSQL's error report carries, so that an
// error crosses the C++/PostgreSQL boundary in either direction without losing its SQLSTATE,
// detail, hint or context.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace kpi {

// Where PostgreSQL (or our code) raised the error, and the fields only PostgreSQL fills.
struct ErrorOrigin {
    // true: `context` is complete; it is rethrown without running callbacks again
    bool from_postgres = false;
    std::string context;
    std::string schema, table, column, datatype, constraint;
    std::string file, function, internal_query;
    int line = 0;
    int cursor_position = 0;    // 1-based character in the statement, 0 = none
    int internal_position = 0;  // likewise in internal_query
};

class Error : public std::exception {
public:
    // sqlstate: five characters. Message in PostgreSQL's style: lower case, no full stop; detail
    // and hint are sentences.
    Error(std::string_view state, std::string what_happened, std::string details = {},
          std::string mend = {})
        : sqlstate(state),
          message(std::move(what_happened)),
          detail(std::move(details)),
          hint(std::move(mend)) {}

    const char *what() const noexcept override { return message.c_str(); }
    // The first two characters of the SQLSTATE.
    std::string_view error_class() const { return std::string_view(sqlstate).substr(0, 2); }

    std::string sqlstate, message, detail, hint;
    // The server's log must not quote the statement: it may hold secrets.
    bool hide_statement = false;
    ErrorOrigin origin;
};

}  // namespace kpi
