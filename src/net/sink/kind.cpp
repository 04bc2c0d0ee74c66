#include "net/sink/kind.hpp"

#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.hpp"

namespace kpi::net {
namespace {

const std::array kKinds = {
    &webhook::kKind,   &file::kKind,       &pushgateway::kKind, &smtp::kKind,   &slack::kKind,
    &azure::kBlobKind, &azure::kFilesKind, &s3::kKind,          &mlflow::kKind, &sheets::kKind,
};

const nlohmann::json *find(const nlohmann::json &object, std::string_view name) {
    const auto found = object.find(std::string(name));
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

[[noreturn]] void wrong_type(std::string_view option, std::string_view type) {
    throw Error("22023", fmt::format("option \"{}\" of the sink must be {}", option, type));
}

}  // namespace

const Kind &kind(std::string_view name) {
    std::vector<std::string_view> names;
    for (const Kind *known : kKinds) {
        if (known->name == name) return *known;
        names.push_back(known->name);
    }
    throw Error("22023", fmt::format("unknown kind of sink \"{}\"", name), {},
                fmt::format("Kinds are {}.", fmt::join(names, ", ")));
}

nlohmann::json parsed(const Message &message) {
    if (message.body.empty()) return nlohmann::json::object();
    // NOLINTNEXTLINE(cppcoreguidelines-init-variables)
    auto json = nlohmann::json::parse(message.body, nullptr, false);
    if (!json.is_object())
        throw Error("22023", "the message of this kind of sink must be a JSON object");
    return json;
}

std::string text_option(const Sink &sink, std::string_view name, std::string_view otherwise) {
    const nlohmann::json *value = find(sink.options, name);
    if (value == nullptr) return std::string(otherwise);
    if (!value->is_string()) wrong_type(name, "a text");
    return value->get<std::string>();
}

int64_t number_option(const Sink &sink, std::string_view name, int64_t otherwise) {
    const nlohmann::json *value = find(sink.options, name);
    if (value == nullptr) return otherwise;
    if (!value->is_number_integer()) wrong_type(name, "a whole number");
    return value->get<int64_t>();
}

bool truth_option(const Sink &sink, std::string_view name, bool otherwise) {
    const nlohmann::json *value = find(sink.options, name);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) wrong_type(name, "true or false");
    return value->get<bool>();
}

std::string secret(const Sink &sink, std::string_view name) {
    const nlohmann::json *value = find(sink.secret, name);
    return value == nullptr || !value->is_string() ? std::string() : value->get<std::string>();
}

}  // namespace kpi::net
