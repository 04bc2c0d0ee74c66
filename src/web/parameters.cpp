#include "web/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "web/http_error.hpp"

namespace kpi::web {
namespace {

HttpError bad(std::string_view name, std::string what, std::string hint = {}) {
    return {400, "bad_parameter", fmt::format("{}: {}", name, what), std::move(hint),
            std::string(name)};
}

// Of the whole text, without spaces around it.
template <class Number>
std::optional<Number> parsed(std::string_view text) {
    Number value{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<std::string> Parameters::text(std::string_view name) {
    known_.emplace_back(name);
    const std::string *found = nullptr;
    for (const auto &[given, value] : given_) {
        if (given != name) continue;
        if (found) throw bad(name, "given more than once", "Give it once.");
        found = &value;
    }
    if (!found || found->empty()) return std::nullopt;
    return *found;
}

std::string Parameters::text(std::string_view name, std::string_view otherwise) {
    return text(name).value_or(std::string(otherwise));
}

int Parameters::number(std::string_view name, int least, int greatest, int otherwise) {
    const auto given = text(name);
    if (!given) return otherwise;
    const auto value = parsed<int>(*given);
    if (!value || *value < least || *value > greatest)
        throw bad(name, fmt::format("not a whole number from {} to {}", least, greatest));
    return *value;
}

std::optional<double> Parameters::real(std::string_view name, double above, double below) {
    const auto given = text(name);
    if (!given) return std::nullopt;
    const auto value = parsed<double>(*given);
    if (!value || !std::isfinite(*value) || *value <= above || *value >= below)
        throw bad(name, std::isfinite(below)
                            ? fmt::format("not a number between {} and {}", above, below)
                            : fmt::format("not a number greater than {}", above));
    return value;
}

std::optional<std::string> Parameters::choice(std::string_view name,
                                              std::initializer_list<std::string_view> allowed) {
    auto given = text(name);
    if (given && std::find(allowed.begin(), allowed.end(), *given) == allowed.end())
        throw bad(name, "no such choice",
                  fmt::format("It is one of: {}.", fmt::join(allowed, ", ")));
    return given;
}

std::string Parameters::choice(std::string_view name,
                               std::initializer_list<std::string_view> allowed,
                               std::string_view otherwise) {
    return choice(name, allowed).value_or(std::string(otherwise));
}

bool Parameters::on(std::string_view name, bool otherwise) {
    return choice(name, {"on", "off"}, otherwise ? "on" : "off") == "on";
}

std::vector<std::string> Parameters::all(std::string_view name) {
    known_.emplace_back(name);
    std::vector<std::string> out;
    for (const auto &[given, value] : given_)
        if (given == name) out.push_back(value);
    return out;
}

std::vector<std::string> Parameters::list(std::string_view name, std::string_view otherwise) {
    const std::string given = text(name, otherwise);
    std::vector<std::string> out;
    for (size_t from = 0; from <= given.size();) {
        const size_t comma = std::min(given.find(',', from), given.size());
        if (comma > from) out.push_back(given.substr(from, comma - from));
        from = comma + 1;
    }
    return out;
}

void Parameters::refuse_others() const {
    for (const auto &[name, value] : given_) {
        if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
        throw HttpError(400, "unknown_parameter", fmt::format("unknown parameter \"{}\"", name),
                        known_.empty() ? "There are none here."
                                       : fmt::format("There are: {}.", fmt::join(known_, ", ")),
                        name);
    }
}

}  // namespace kpi::web
