// What is asked of the database: one statement with its bound values.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace kpi::web {

struct Question {
    std::string sql;
    std::vector<std::optional<std::string>> values;
    // Run before it in a transaction of its own, which ends after it. Texts of ours only.
    std::vector<std::string> before;
    // It changes something: never asked twice, and what is kept is old after it.
    bool writes = false;

    // The same for the same question. NUL is in no text that PostgreSQL takes.
    std::string key() const {
        std::string out = sql;
        for (const auto &value : values) out += value ? '\0' + *value : std::string("\0\1", 2);
        return out;
    }
};

}  // namespace kpi::web
