#include "delivery/reference.hpp"

#include <cstdlib>
#include <fstream>

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/ini.hpp"
#include "core/trimmed.hpp"

namespace kpi::delivery {
namespace {

constexpr std::string_view kEnvironment = "env:", kFile = "file:/", kIni = "ini:/";
constexpr size_t kLongestSecret = 64 * 1024;  // bytes; a service account's key file has 3 kB

std::string file_text(const std::string &path) {
    std::string text = small_file(path);
    if (text.empty())
        throw Error("55000", fmt::format("file {} cannot be read as a secret", path), {},
                    "It must exist, not be empty, and have at most 64 kB.");
    return text;
}

std::string from_ini(const std::string &place) {
    const size_t section = place.find('#'), key = place.rfind('#');
    if (section == key)
        throw Error("55000", "a reference ini: does not name a section and a key", {},
                    "It looks like ini:/path#section#key.");
    std::string value =
        ini_value(file_text(place.substr(0, section)), place.substr(section + 1, key - section - 1),
                  place.substr(key + 1));
    if (value.empty()) throw Error("55000", fmt::format("ini:{} is not there", place));
    return value;
}

}  // namespace

std::string environment_variable(const std::string &name) {
    const char *value = std::getenv(name.c_str());
    return std::string(value == nullptr ? std::string_view() : trimmed(value));
}

std::string small_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::string text;
    char block[4096];
    while (file.read(block, sizeof block) || file.gcount() > 0) {
        text.append(block, size_t(file.gcount()));
        if (text.size() > kLongestSecret) return {};
    }
    return std::string(trimmed(text));
}

bool is_reference(std::string_view text) {
    return text.starts_with(kEnvironment) || text.starts_with(kFile) || text.starts_with(kIni);
}

std::string resolve(const std::string &text) {
    if (text.starts_with(kFile)) return file_text(text.substr(kFile.size() - 1));
    if (text.starts_with(kIni)) return from_ini(text.substr(kIni.size() - 1));
    if (!text.starts_with(kEnvironment)) return text;
    const std::string name = text.substr(kEnvironment.size());
    std::string value = environment_variable(name);
    if (value.empty())
        throw Error("55000", fmt::format("environment variable {} is not set", name), {},
                    "It is the environment in which the server was started.");
    return value;
}

}  // namespace kpi::delivery
