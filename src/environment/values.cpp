#include "environment/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/similar_names.hpp"
#include "environment/document.hpp"
#include "environment/keys.hpp"

namespace kpi::environment {
namespace {

std::string lower(std::string text) {
    for (char &c : text)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return text;
}

// To readers of YAML 1.1 these are booleans, to those of 1.2 texts.
bool is_doubtful(const Entry &entry) {
    static constexpr std::array<std::string_view, 6> kWords = {"on", "off", "yes", "no", "y", "n"};
    const std::string word = lower(entry.value);
    return !entry.quoted && std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

const Key &known_key(std::string_view name, const Entry &entry) {
    if (const Key *key = find_key(entry.key)) return *key;
    std::vector<std::string> names;
    for (const Key &key : keys()) names.emplace_back(key.name);
    const std::string meant = near(entry.key, names);
    refuse_line(name, entry.line, fmt::format("\"{}\" is no key of an environment", entry.key),
                meant.empty() ? fmt::format("The keys are {}.", quoted_list(names))
                              : fmt::format("Did you mean {}?", meant));
}

void check_type(std::string_view name, const Key &key, const Entry &entry) {
    if (is_doubtful(entry))
        refuse_line(name, entry.line,
                    fmt::format("{}: the word {} is a boolean to some readers of YAML and a text "
                                "to others",
                                entry.key, entry.value),
                    "Write true or false, or put quotes around a text.");
    if (entry.quoted && (key.type == Type::number || key.type == Type::flag))
        refuse_line(
            name, entry.line, fmt::format("{}: \"{}\" is a text", entry.key, entry.value),
            key.type == Type::number ? "Write the number without quotes." : "Write true or false.");
    const std::string fault = fault_of(key, entry.value);
    if (fault.empty()) return;
    refuse_line(name, entry.line,
                fmt::format("{} cannot be \"{}\": {}", entry.key, entry.value, fault),
                fmt::format("{} is {}; its preset is {}.", key.name, key.meaning, key.preset));
}

// What counts: the file's, or the preset with line 0.
Value counting(const std::vector<Value> &values, std::string_view key) {
    for (const Value &value : values)
        if (value.key == key) return value;
    return {std::string(key), std::string(find_key(key)->preset), 0};
}

double number(const Value &value) { return std::strtod(value.text.c_str(), nullptr); }

void check_levels(std::string_view name, const std::vector<Value> &values) {
    for (const Levels &pair : levels()) {
        const Value critical = counting(values, pair.critical);
        const Value warning = counting(values, pair.warning);
        if (number(critical) <= number(warning)) continue;
        refuse_line(name, std::max(critical.line, warning.line),
                    fmt::format("{} ({}) is above {} ({})", critical.key, critical.text,
                                warning.key, warning.text),
                    "These rules fire below their level: a warning above, the critical one below "
                    "it. What a file leaves out has its preset.");
    }
}

}  // namespace

std::vector<Value> read_values(std::string_view name, std::string_view yaml) {
    std::vector<Value> values;
    for (const Entry &entry : read_document(name, yaml)) {
        if (entry.key == "environment") {
            if (entry.value != name)
                refuse_line(name, entry.line,
                            fmt::format("the file is of environment \"{}\"", entry.value),
                            "Load it under its own name.");
            continue;
        }
        check_type(name, known_key(name, entry), entry);
        values.push_back({entry.key, entry.value, entry.line});
    }
    check_levels(name, values);
    return values;
}

}  // namespace kpi::environment
