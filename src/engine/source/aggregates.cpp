#include "engine/source/aggregates.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/measure.hpp"
#include "core/sketch.hpp"
#include "engine/registry/define.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

using nlohmann::json;

constexpr const char *kExample =
    "For example aggregates => '{\"customers\": {\"distinct\": \"customer_id\"}}'.";

constexpr double kMostValues = 10e6;

double parse_error(const std::string &name, CountedKind kind, const json &error) {
    const bool has_one = kind == CountedKind::percentiles;
    if (error.is_null()) return has_one ? kUsualError : 0;
    if (!has_one)
        throw Error("22023", fmt::format("aggregate \"{}\" is exact and takes no error", name), {},
                    "An error is of percentiles.");
    const double value = error.is_number() ? error.get<double>() : 0;
    if (value >= kLeastError && value <= kGreatestError) return value;
    throw Error("22023",
                fmt::format("error of aggregate \"{}\" must be a number from {} to {}, not {}",
                            name, kLeastError, kGreatestError, error.dump()),
                {}, "0.01 is 1 % of the value.");
}

Aggregate parse(const std::string &name, const json &value) {
    check_metric_name(name);
    json parts = value;
    const json error = parts.is_object() && parts.contains("error") ? parts["error"] : json();
    if (parts.is_object()) parts.erase("error");
    if (!parts.is_object() || parts.size() != 1)
        throw Error(
            "22023",
            fmt::format("aggregate \"{}\" must be an object with one kind of measure", name), {},
            kExample);
    const auto &[word, column] = *parts.items().begin();
    const auto kind = counted_kind(word);
    if (!kind)
        throw Error("22023", fmt::format("aggregate \"{}\" is of unknown kind \"{}\"", name, word),
                    "The kinds are distinct, min, max, percentiles, first and last.", kExample);
    if (!column.is_string() || column.get<std::string>().empty())
        throw Error("22023", fmt::format("aggregate \"{}\" names no column", name), {}, kExample);
    return {name, column.get<std::string>(), *kind, parse_error(name, *kind, error)};
}

}  // namespace

void check_count(size_t aggregates) {
    if (aggregates <= size_t(kMaxCounted)) return;
    throw Error("54011", fmt::format("a source can have at most {} aggregates", kMaxCounted), {},
                "Track two views over the same table, each with a part of them.");
}

Aggregate parse_aggregate(const std::string &name, const std::string &text) {
    return parse(name, json::parse(text));
}

std::optional<std::string> parse_sum(const std::string &name, const std::string &text) {
    const json definition = json::parse(text);
    if (!definition.is_object() || definition.size() != 1 || !definition.contains("sum"))
        return std::nullopt;
    const json &column = definition["sum"];
    if (!column.is_string() || column.get<std::string>().empty())
        throw Error("22023", fmt::format("measure \"{}\" names no column", name), {},
                    "For example '{\"sum\": \"amount\"}'.");
    if (column.get<std::string>() == name) return name;
    throw Error(
        "22023",
        fmt::format("a sum of column \"{}\" cannot be named \"{}\"", column.get<std::string>(),
                    name),
        "The measure of a sum has the name of its column.",
        "Name the column differently in the view, or kpi.define a metric over the measure.");
}

std::vector<Aggregate> parse_aggregates(const std::string &text) {
    const json all = json::parse(text);
    if (!all.is_object())
        throw Error("22023", "aggregates must be a JSON object of measures by name", {}, kExample);
    check_count(all.size());
    std::vector<Aggregate> out;
    for (const auto &[name, value] : all.items()) out.push_back(parse(name, value));
    return out;
}

void check_size(const std::string &facts, const std::string &time_column,
                const Aggregate &aggregate) {
    if (aggregate.kind == CountedKind::percentiles) return;
    const bool timed = is_timed(aggregate.kind);
    const auto plan = pg::value(fmt::format(
        "EXPLAIN (FORMAT JSON) SELECT DISTINCT {}{} FROM {}", pg::quote(aggregate.column),
        timed ? ", " + pg::quote(time_column) : std::string(), facts));
    const auto values =
        json::parse(plan.value_or("[]")).at(0).at("Plan").at("Plan Rows").get<double>();
    if (values <= kMostValues) return;
    throw Error(
        "54000",
        fmt::format("aggregate \"{}\" would keep about {:.0f} {} of column \"{}\"", aggregate.name,
                    values, timed ? "times and values" : "values", aggregate.column),
        fmt::format("At most {:.0f} are kept, each once for every day, hour and segment "
                    "that has it.",
                    kMostValues),
        "Name a coarser column, or ANALYZE the table if the estimate is wrong.");
}

}  // namespace kpi::engine
