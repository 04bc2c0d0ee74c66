#include "monitor/check/kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "pg/input.hpp"

namespace kpi::monitor {
namespace {

using nlohmann::json;

constexpr Parameter kSample{"sample", Type::count, "5"};
constexpr Parameter kTime{"time_column", Type::text, nullptr};
constexpr Parameter kMaxRows{"max_rows", Type::count, "0"};
constexpr Parameter kWindow{"window", Type::interval, "\"7 days\""};
constexpr Parameter kPercent{"sample_percent", Type::number, nullptr};

const std::vector<CheckKind> &kinds() {
    static const std::vector<CheckKind> all = {
        {"freshness", false, true, false, {{"max_age", Type::interval, "\"24 hours\""}, kTime}},
        {"missing_periods",
         true,
         false,
         false,
         {{"grain", Type::text, "\"day\""},
          {"periods", Type::count, "28"},
          {"allowed", Type::count, "0"}}},
        {"volume",
         true,
         false,
         false,
         {{"min_ratio", Type::number, "0.5"},
          {"max_ratio", Type::number, nullptr},
          {"weeks", Type::count, "4"}}},
        {"null_rate",
         false,
         true,
         true,
         {{"max_percent", Type::number, "10"},
          {"min_rows", Type::count, "1"},
          {"blank", Type::flag, "false"},
          kWindow,
          kTime,
          kPercent,
          kSample}},
        {"range",
         false,
         true,
         false,
         {{"min", Type::number, nullptr},
          {"max", Type::number, nullptr},
          {"metric", Type::text, nullptr},
          kMaxRows,
          kWindow,
          kTime,
          kPercent,
          kSample}},
        {"uniqueness",
         false,
         true,
         false,
         {{"columns", Type::texts, nullptr}, kMaxRows, kWindow, kTime, kSample}},
        {"referential",
         false,
         true,
         true,
         {{"references", Type::text, nullptr},
          {"references_column", Type::text, "\"id\""},
          kMaxRows,
          kWindow,
          kTime,
          kPercent,
          kSample}},
        {"accepted_values",
         false,
         true,
         true,
         {{"values", Type::texts, nullptr}, kMaxRows, kWindow, kTime, kPercent, kSample}},
        {"view_size",
         false,
         true,
         false,
         {{"min_rows", Type::count, "1"},
          {"max_rows", Type::count, nullptr},
          {"min_days", Type::count, nullptr},
          {"day_column", Type::text, "\"day\""}}},
        {"drift", true, false, false, {{"days", Type::count, "1"}, kSample}},
        {"schema",
         false,
         true,
         false,
         {{"columns", Type::object, nullptr}, {"exact", Type::flag, "false"}}},
        {"custom_sql", false, false, false, {{"sql", Type::text, nullptr}, kMaxRows, kSample}},
        {"capture_errors", true, false, false, {{"window", Type::interval, "\"1 day\""}, kMaxRows}},
    };
    return all;
}

const char *words(Type type) {
    switch (type) {
        case Type::interval:
            return "an interval as text, like \"6 hours\"";
        case Type::number:
            return "a number";
        case Type::count:
            return "a whole number from 0 to 1000000000";
        case Type::text:
            return "a text";
        case Type::flag:
            return "true or false";
        case Type::texts:
            return "an array of texts, not empty";
        case Type::object:
            return "an object of column names and types";
    }
    return "";
}

bool is_texts(const json &value) {
    return value.is_array() && !value.empty() &&
           std::all_of(value.begin(), value.end(), [](const json &v) { return v.is_string(); });
}

bool fits(Type type, const json &value) {
    switch (type) {
        case Type::interval:
        case Type::text:
            return value.is_string() && !value.get_ref<const std::string &>().empty();
        case Type::number:
            return value.is_number() && std::isfinite(value.get<double>());
        case Type::count:
            return value.is_number_integer() && value.get<double>() >= 0 &&
                   value.get<double>() <= 1e9;
        case Type::flag:
            return value.is_boolean();
        case Type::texts:
            return is_texts(value);
        case Type::object:
            return value.is_object() && !value.empty() &&
                   std::all_of(value.begin(), value.end(),
                               [](const json &v) { return v.is_string(); });
    }
    return false;
}

void check_one(const CheckKind &kind, const std::string &name, const json &value) {
    std::vector<std::string> names;
    for (const Parameter &p : kind.parameters) names.emplace_back(p.name);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
        const std::string similar = near(name, names);
        throw Error("22023", fmt::format("a {} check has no parameter \"{}\"", kind.name, name), {},
                    similar.empty() ? fmt::format("Its parameters are {}.", quoted_list(names))
                                    : fmt::format("Perhaps you meant {}.", similar));
    }
    const Type type = kind.parameters[size_t(found - names.begin())].type;
    if (!fits(type, value))
        throw Error("22023", fmt::format("parameter \"{}\" must be {}", name, words(type)));
    if (type == Type::interval) pg::check_value("interval", value.get<std::string>());
}

void demand(const json &given, const CheckKind &kind, const char *name) {
    if (given.contains(name)) return;
    throw Error("22023", fmt::format("a {} check needs parameter \"{}\"", kind.name, name));
}

// What the types cannot say.
void check_together(const CheckKind &kind, const json &given) {
    const std::string name = kind.name;
    if (name == "range" && !given.contains("min") && !given.contains("max"))
        throw Error("22023", "a range check needs parameter \"min\", \"max\" or both");
    if (name == "custom_sql") demand(given, kind, "sql");
    if (name == "referential") demand(given, kind, "references");
    if (name == "accepted_values") demand(given, kind, "values");
    if (given.contains("grain") && given["grain"] != "day" && given["grain"] != "hour")
        throw Error("22023", "parameter \"grain\" must be \"day\" or \"hour\"");
    for (const char *positive : {"periods", "weeks", "days"})
        if (given.contains(positive) && (given[positive] < 1 || given[positive] > 1000))
            throw Error("22023", fmt::format("parameter \"{}\" must be from 1 to 1000", positive));
    if (given.contains("sample") && given["sample"] > 100)
        throw Error("22023", "parameter \"sample\" must be from 0 to 100");
    if (given.contains("sample_percent") &&
        (given["sample_percent"] <= 0 || given["sample_percent"] > 100))
        throw Error("22023", "parameter \"sample_percent\" must be above 0 and at most 100");
}

}  // namespace

const CheckKind &check_kind(const std::string &name) {
    std::vector<std::string> names;
    for (const CheckKind &kind : kinds()) {
        if (name == kind.name) return kind;
        names.emplace_back(kind.name);
    }
    throw Error("22023", fmt::format("kind cannot be \"{}\"", name), {},
                fmt::format("Use one of {}.", quoted_list(names)));
}

json check_parameters(const CheckKind &kind, const std::string &text) {
    json given = json::parse(text, nullptr, false);
    if (!given.is_object()) throw Error("22023", "parameters must be a JSON object");
    for (const auto &[name, value] : given.items()) check_one(kind, name, value);
    check_together(kind, given);
    return given;
}

json with_defaults(const CheckKind &kind, json given) {
    for (const Parameter &parameter : kind.parameters)
        if (parameter.fallback != nullptr && !given.contains(parameter.name))
            given[parameter.name] = json::parse(parameter.fallback);
    return given;
}

}  // namespace kpi::monitor
