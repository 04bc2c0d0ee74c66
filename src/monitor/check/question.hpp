// What a check asks the database: one statement with one row of answer, and what that answer means.
// Needs an open Spi and the rights of the extension's owner, which build() uses for the registry
// and the rollups only; nothing of a user's runs in it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "monitor/check/definition.hpp"

namespace kpi::monitor {

enum class CheckState { ok, failing, error, building };
const char *state_name(CheckState state);

struct Finding {
    CheckState state = CheckState::ok;
    std::optional<double> value;
    std::string message;
};

struct Question {
    std::string sql;
    std::string rows_sql;  // the rows that fail; empty: there is nothing to show
    int sample = 0;        // how many of them are kept
    // What is shown of them: columns whose values are in rows_sql under their own names, or under
    // others.
    std::vector<std::string> columns;
    const char *read = "window";
    bool as_owner = true;  // false: it reads what the extension keeps
    std::function<Finding(const Row &)> judge;
};

// nullopt: what it reads is not filled yet.
std::optional<Question> build(const Check &check);

}  // namespace kpi::monitor
