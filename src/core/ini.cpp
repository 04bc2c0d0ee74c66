#include "core/ini.hpp"

#include <algorithm>

#include "core/trimmed.hpp"

namespace kpi {
std::string ini_value(std::string_view text, std::string_view section, std::string_view key) {
    std::string value;
    bool inside = false;
    while (!text.empty()) {
        const std::string_view raw = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), raw.size() + 1));
        // An indented line belongs to the value above it: a nested setting, which has no key here.
        if (raw.empty() || raw.front() == ' ' || raw.front() == '\t') continue;
        const std::string_view line = trimmed(raw);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (line.front() == '[') {
            const size_t end = line.find(']');
            inside = end != std::string_view::npos && trimmed(line.substr(1, end - 1)) == section;
            continue;
        }
        const size_t equals = line.find('=');
        if (inside && equals != std::string_view::npos && trimmed(line.substr(0, equals)) == key)
            value = trimmed(line.substr(equals + 1));
    }
    return value;
}

}  // namespace kpi
