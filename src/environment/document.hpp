// A YAML text of one flat mapping, as pairs with their lines. Read event by event: nothing is
// built, so there is nothing that aliases or nesting could blow up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kpi::environment {

constexpr size_t kMostBytes = 64 * 1024;

struct Entry {
    std::string key, value;
    bool quoted = false;  // it is a text, whatever it looks like
    int line = 0;
};

// Errors: 22023 with the line for what is no flat mapping, for a key that stands twice, for
// aliases, anchors, tags and more than kMostBytes; 22P02 for what is no YAML. `name` is the
// environment's, for the messages.
std::vector<Entry> read_document(std::string_view name, std::string_view yaml);

// An error at a line of the file of environment `name`.
[[noreturn]] void refuse_line(std::string_view name, int line, const std::string &what,
                              const std::string &hint);

}  // namespace kpi::environment
