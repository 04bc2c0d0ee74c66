// The kinds of checks: what each is about and which parameters it takes. Plain data; the only pg/
// function used judges intervals.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace kpi::monitor {

enum class Type { interval, number, count, text, flag, texts, object };

struct Parameter {
    const char *name;
    Type type;
    const char *fallback;  // JSON; nullptr: none
};

struct CheckKind {
    const char *name;
    bool of_source;  // needs one: it reads rollups or what the worker keeps
    bool of_table;   // reads a relation, or the facts view of the source
    bool of_column;  // needs a column
    std::vector<Parameter> parameters;
};

// Errors: 22023 with the kinds.
const CheckKind &check_kind(const std::string &name);

// The parameters that were given, checked: unknown names (22023, with the nearest), wrong types.
nlohmann::json check_parameters(const CheckKind &kind, const std::string &text);
// With the defaults of the kind.
nlohmann::json with_defaults(const CheckKind &kind, nlohmann::json given);

}  // namespace kpi::monitor
