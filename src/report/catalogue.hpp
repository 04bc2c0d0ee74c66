// Every sentence of a report in English and Spanish: whole sentences with {named} places. Nowhere
// else in src/report is there a word.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "report/text.hpp"

namespace kpi::report {

// `many` is empty where a sentence has no plural; otherwise the argument `count` chooses: 1 is one,
// everything else many, in both languages.
struct Words {
    std::string_view one, many = {};
};

struct Entry {
    std::string_view key;
    Words english, spanish;

    const Words &words(Language language) const {
        return language == Language::spanish ? spanish : english;
    }
};

// In order of their keys.
std::span<const Entry> catalogue();
// Errors: 22023 when the catalogue has no such key.
const Entry &entry_of(std::string_view key);

using Arguments = std::map<std::string, std::string, std::less<>>;
// `words` with its places filled. Errors: 22023 when an argument is missing.
std::string fill(std::string_view words, const Arguments &arguments);

}  // namespace kpi::report
