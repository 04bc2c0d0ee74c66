#include "net/sink/pushgateway/exposition.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>

#include <fmt/format.h>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "net/wire/step.hpp"

namespace kpi::net::pushgateway {
namespace {

using nlohmann::json;

// Written by the Pushgateway itself.
constexpr std::array<std::string_view, 2> kOwnNames = {"push_time_seconds",
                                                       "push_failure_time_seconds"};

[[noreturn]] void refuse(std::string what, std::string hint = {}) {
    throw Error("22023", std::move(what), {}, std::move(hint));
}

bool is_word(std::string_view name, std::string_view also) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    for (const char c : name)
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && also.find(c) == std::string_view::npos)
            return false;
    return true;
}

void check_label_name(std::string_view name) {
    if (!is_word(name, {}) || name.substr(0, 2) == "__")
        refuse(fmt::format("\"{}\" is no name of a label", excerpt(name)),
               "Letters, digits and underscores, no digit first; names with two underscores first "
               "are reserved.");
}

void check_keys(const json &object, std::string_view what,
                std::initializer_list<std::string_view> known) {
    if (!object.is_object()) refuse(fmt::format("a {} must be an object", what));
    for (const auto &[key, value] : object.items()) {
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        if (key == "timestamp") refuse("a sample has a timestamp", "The Pushgateway accepts none.");
        refuse(fmt::format("a {} has no \"{}\"", what, excerpt(key)));
    }
}

std::string text_of(const json &object, const char *key, std::string_view what) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string() ||
        found->get_ref<const std::string &>().empty())
        refuse(fmt::format("a {} needs a text \"{}\"", what, key));
    return found->get<std::string>();
}

// Backslash and newline are escaped everywhere, quotes in the values of labels.
std::string escaped(std::string_view text, std::string_view also) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || also.find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

std::string labels_of(const json &sample, const json &grouping) {
    const auto found = sample.find("labels");
    if (found == sample.end()) return {};
    if (!found->is_object()) refuse("the labels of a sample must be an object of texts");
    std::string list;
    // in order of their names: two samples of one series read the same
    for (const auto &[name, value] : found->items()) {
        check_label_name(name);
        if (name == "job" || grouping.contains(name))
            refuse(fmt::format("label \"{}\" is in the grouping too", name),
                   "The value of the grouping would replace it.");
        if (!value.is_string()) refuse(fmt::format("label \"{}\" must be a text", name));
        const auto &text = value.get_ref<const std::string &>();
        if (text.empty()) continue;
        list += fmt::format("{}{}=\"{}\"", list.empty() ? "" : ",", name, escaped(text, "\""));
    }
    return list.empty() ? list : "{" + list + "}";
}

std::string value_of(const json &sample, const std::string &metric) {
    const auto found = sample.find("value");
    if (found != sample.end()) {
        if (found->is_number_float()) return fmt::format("{}", found->get<double>());
        if (found->is_number()) return found->dump();
        if (*found == "NaN" || *found == "+Inf" || *found == "-Inf")
            return found->get<std::string>();
    }
    refuse(fmt::format("a sample of metric \"{}\" needs a number \"value\"", metric),
           "Leave samples out that have no value. NaN, +Inf and -Inf are given as texts.");
}

std::string family(const json &metric, const json &grouping) {
    check_keys(metric, "metric", {"name", "type", "help", "samples"});
    const std::string name = text_of(metric, "name", "metric");
    if (!is_word(name, ":"))
        refuse(fmt::format("\"{}\" is no name of a metric", excerpt(name)),
               "Letters, digits, underscores and colons, no digit first.");
    if (std::find(kOwnNames.begin(), kOwnNames.end(), name) != kOwnNames.end())
        refuse(fmt::format("metric \"{}\" is written by the Pushgateway itself", name));
    const std::string type = text_of(metric, "type", "metric");
    if (type != "gauge" && type != "counter" && type != "untyped")
        refuse(fmt::format("type \"{}\" of metric \"{}\" is not known", excerpt(type), name),
               "Types are gauge, counter and untyped.");
    std::string text = fmt::format("# HELP {} {}\n# TYPE {} {}\n", name,
                                   escaped(text_of(metric, "help", "metric"), {}), name, type);
    const auto samples = metric.find("samples");
    if (samples == metric.end() || !samples->is_array() || samples->empty())
        refuse(fmt::format("metric \"{}\" needs an array of samples", name));
    std::set<std::string> seen;
    for (const json &sample : *samples) {
        check_keys(sample, "sample", {"labels", "value"});
        const std::string labels = labels_of(sample, grouping);
        if (!seen.insert(labels).second)
            refuse(fmt::format("metric \"{}\" has two samples of one series", name),
                   excerpt("The labels are " + (labels.empty() ? "none" : labels) + "."));
        text += fmt::format("{}{} {}\n", name, labels, value_of(sample, name));
    }
    return text;
}

// Dots alone would be taken for folders; what is not plain need not be spelt in per cents.
bool is_plain(std::string_view value) {
    return value.find_first_not_of('.') != std::string_view::npos &&
           value.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
               "0123456789-_.~") == std::string_view::npos;
}

// An empty value is one "=", as a path has no empty parts.
std::string part(const std::string &label, const std::string &value) {
    if (is_plain(value)) return fmt::format("/{}/{}", label, value);
    return fmt::format("/{}@base64/{}", label, value.empty() ? "=" : to_base64url(value));
}

}  // namespace

std::string exposition(const nlohmann::json &metrics, const nlohmann::json &grouping) {
    if (!metrics.is_array())
        refuse("the metrics of a message must be an array",
               "An empty one removes all metrics of the group.");
    std::string text;
    std::set<std::string> names;
    for (const json &metric : metrics) {
        text += family(metric, grouping);
        const std::string name = metric["name"].get<std::string>();
        if (!names.insert(name).second)
            refuse(fmt::format("metric \"{}\" is there twice", name),
                   "Give all samples of a metric together.");
    }
    return text;
}

std::string group_path(const std::string &job, const nlohmann::json &grouping) {
    if (job.empty()) refuse("the job of a group must not be empty");
    if (!grouping.is_object()) refuse("the grouping of a message must be an object of texts");
    std::string path = "/metrics" + part("job", job);
    for (const auto &[name, value] : grouping.items()) {
        check_label_name(name);
        if (name == "job") refuse("the job is no part of the grouping", "Give it as \"job\".");
        if (!value.is_string()) refuse(fmt::format("grouping label \"{}\" must be a text", name));
        path += part(name, value.get<std::string>());
    }
    return path;
}

}  // namespace kpi::net::pushgateway
