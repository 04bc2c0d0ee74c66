#include "monitor/config/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "environment/alerting.hpp"
#include "environment/keys.hpp"
#include "environment/values.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

using environment::Key;
using environment::Type;

// Variables of the old stack that set a key.
constexpr std::pair<std::string_view, const char *> kVariables[] = {
    {"refresh_schedule", "KPI_REFRESH_SCHEDULE"},
    {"analyze_after_refresh", "KPI_ANALYZE_AFTER_REFRESH"}};

std::string current_environment() {
    const char *name = pg::settings().environment;
    return name == nullptr ? "" : name;
}

std::string variable(const char *name) {
    const char *value = std::getenv(name);
    return value == nullptr ? "" : value;
}

using Values = std::map<std::string, std::string>;

// The values of an environment's file; nullopt: it was not loaded.
std::optional<Values> loaded(const std::string &environment) {
    const Table table =
        pg::query("SELECT name, value FROM kpi.threshold WHERE environment = $1", {environment});
    if (table.empty()) return std::nullopt;
    Values values;
    for (const Row &row : table.rows) values[*row[0]] = *row[1];
    return values;
}

std::optional<Values> loaded() {
    const std::string environment = current_environment();
    return environment.empty() ? Values{} : loaded(environment);
}

std::string not_loaded() {
    return fmt::format("environment \"{}\" was not loaded", current_environment());
}

// As shell scripts write a flag.
std::string flag(const std::string &text) {
    if (text == "1" || text == "True" || text == "TRUE") return "true";
    if (text == "0" || text == "False" || text == "FALSE") return "false";
    return text;
}

Configured resolve(const Key &key, const std::optional<Values> &values) {
    Configured result{std::string(key.name), std::string(key.preset), "default",
                      std::string(key.meaning)};
    if (!values)
        result.note += "; " + not_loaded();
    else if (const auto own = values->find(result.name); own != values->end()) {
        result.value = own->second;
        result.source = fmt::format("environment \"{}\"", current_environment());
    }
    for (const auto &[name, variable_name] : kVariables) {
        if (name != key.name) continue;
        std::string text = variable(variable_name);
        if (key.type == Type::flag) text = flag(text);
        if (text.empty()) continue;
        const std::string fault = environment::fault_of(key, text);
        if (fault.empty()) {
            result.value = text;
            result.source = fmt::format("variable {}", variable_name);
        } else {
            result.note +=
                fmt::format("; variable {} is ignored: \"{}\": {}", variable_name, text, fault);
        }
    }
    return result;
}

void check_name(const std::string &name) {
    if (pg::value("SELECT $1 ~ '^[a-z][a-z0-9_]{0,39}$'", {name}) == "t") return;
    throw Error("22023", fmt::format("\"{}\" is no name of an environment", name), {},
                "Use small letters, digits and _: dev, stg, prod.");
}

}  // namespace

std::vector<Configured> configured_keys() {
    const auto values = loaded();
    std::vector<Configured> all;
    for (const Key &key : environment::keys()) all.push_back(resolve(key, values));
    return all;
}

std::vector<Configured> config() {
    std::vector<Configured> all = configured_keys();
    const std::string dsn = variable("KPIS_PG_DSN");
    all.push_back({"pg_dsn", without_secrets(dsn), dsn.empty() ? "default" : "variable KPIS_PG_DSN",
                   "where programs of the old stack connect to; without user and password"});
    for (const Row &row : pg::query(R"(
            SELECT name, setting || coalesce(' ' || unit, ''), source, short_desc
              FROM pg_catalog.pg_settings WHERE name LIKE 'kpi.%' ORDER BY name)")
                              .rows)
        all.push_back({*row[0], *row[1], row[2] == "default" ? "default" : "setting",
                       fmt::format("{} ({})", row[3].value_or(""), row[2].value_or(""))});
    return all;
}

std::string threshold_value(const std::string &name) {
    const Key *key = environment::find_key(name);
    if (key == nullptr || key->type != Type::number) {
        std::vector<std::string> names;
        for (const Key &known : environment::keys())
            if (known.type == Type::number) names.emplace_back(known.name);
        const std::string meant = near(name, names);
        throw Error("22023", fmt::format("\"{}\" is no threshold", name), {},
                    meant.empty() ? fmt::format("The thresholds are {}.", quoted_list(names))
                                  : fmt::format("Did you mean {}?", meant));
    }
    const auto values = loaded();
    if (!values)
        throw Error("55000", not_loaded(), "kpi.environment names it.",
                    "Call kpi.load_environment with its file, or reset kpi.environment.");
    return resolve(*key, values).value;
}

std::string prometheus_rules(const std::optional<std::string> &environment) {
    const std::string name = environment.value_or(current_environment());
    const std::optional<Values> own = environment ? loaded(name) : loaded();
    if (!own && environment)
        throw Error("42704", fmt::format("environment \"{}\" was not loaded", name), {},
                    "Call kpi.load_environment with its file.");
    if (!own)
        throw Error("55000", not_loaded(), "kpi.environment names it.",
                    "Call kpi.load_environment with its file, or reset kpi.environment.");
    Values values;
    for (const Key &key : environment::keys()) values[std::string(key.name)] = key.preset;
    for (const auto &[key, value] : *own) values[key] = value;
    return environment::alerting_rules(name.empty() ? "default" : name, values);
}

bool is_zone(const std::string &name) {
    return pg::value("SELECT EXISTS (SELECT FROM pg_catalog.pg_timezone_names z WHERE z.name = $1)",
                     {name}) == "t";
}

int64_t load_environment(const std::string &name, const std::string &yaml) {
    check_name(name);
    const std::vector<environment::Value> values = environment::read_values(name, yaml);
    if (values.empty())
        throw Error("22023", fmt::format("the file of environment \"{}\" sets nothing", name), {},
                    "kpi.drop_environment forgets an environment.");
    std::vector<std::string> keys;
    std::vector<std::string> texts;
    for (const environment::Value &value : values) {
        if (environment::find_key(value.key)->type == Type::zone && !is_zone(value.text))
            throw Error("22023",
                        fmt::format("environment \"{}\", line {}: \"{}\" is no time zone", name,
                                    value.line, value.text),
                        {}, "SELECT name FROM pg_timezone_names lists them.");
        keys.push_back(value.key);
        texts.push_back(value.text);
    }
    pg::execute("DELETE FROM kpi.threshold WHERE environment = $1 AND name <> ALL ($2)",
                {name, keys});
    pg::execute(R"(
        INSERT INTO kpi.threshold AS t (environment, name, value)
        SELECT $1, v.name, v.value
          FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) v (name, value)
            ON CONFLICT (environment, name) DO UPDATE SET value = excluded.value
         WHERE t.value <> excluded.value)",
                {name, keys, texts});
    return int64_t(values.size());
}

std::string without_secrets(const std::string &dsn) {
    // Whatever is not understood at once is not shown at all.
    std::string hidden = dsn.empty() ? "" : "(set)";
    if (dsn.find_first_of("'\"\\\n") != std::string::npos) return hidden;
    if (const size_t scheme = dsn.find("://"); scheme != std::string::npos) {
        if (dsn.find("password", scheme) != std::string::npos) return hidden;
        const size_t at = dsn.rfind('@');
        std::string place = dsn.substr(at == std::string::npos ? scheme + 3 : at + 1);
        place.resize(std::min(place.size(), place.find('?')));
        return dsn.substr(0, scheme + 3) + place;
    }
    std::string shown;
    for (size_t from = 0; from < dsn.size();) {
        const size_t to = std::min(dsn.find(' ', from), dsn.size());
        const std::string word = dsn.substr(from, to - from);
        for (const char *open : {"host=", "port=", "dbname="})
            if (word.rfind(open, 0) == 0) shown += (shown.empty() ? "" : " ") + word;
        from = to + 1;
    }
    return shown.empty() ? hidden : shown;
}

}  // namespace kpi::monitor
