#include "web/sql_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "web/http_error.hpp"

namespace kpi::web {

using nlohmann::json;

std::string array_text(const std::vector<std::string> &elements) {
    std::string out = "{";
    for (const std::string &element : elements) {
        if (out.size() > 1) out += ',';
        out += '"';
        for (const char c : element) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    }
    return out + "}";
}

std::string identifier(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) {
        if (c == '"') out += '"';
        out += c;
    }
    return out + "\"";
}

std::string filters_of(Parameters &parameters) {
    json out = json::object();
    if (const auto given = parameters.text("filters")) {
        out = json::parse(*given, nullptr, false);
        if (!out.is_object())
            throw HttpError(400, "bad_parameter", "filters: not a JSON object",
                            R"(For example {"country": ["MX", "ES"]}.)", "filters");
    }
    for (const char *dimension : {"country", "source"}) {
        const std::vector<std::string> values = parameters.all(dimension);
        if (values.empty()) continue;
        json &list = out[dimension] = json::array();
        for (const std::string &value : values)
            list.push_back(value.empty() ? json() : json(value));
    }
    return out.dump();
}

std::string number(std::string_view expression) {
    return fmt::format("CASE WHEN {0} > '-Infinity' AND {0} < 'Infinity' THEN {0} END", expression);
}

}  // namespace kpi::web
