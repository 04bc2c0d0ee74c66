// SQL functions of rules: kpi.add_rule, kpi.alter_rule, kpi.drop_rule, kpi.test_rule,
// kpi.backtest, kpi._evaluate_rules.
#include <array>
#include <nlohmann/json.hpp>

#include "monitor/incident/record.hpp"
#include "monitor/judge/words.hpp"
#include "monitor/rule/backtest.hpp"
#include "monitor/rule/details.hpp"
#include "monitor/rule/evaluate.hpp"
#include "pg/bell.hpp"
#include "pg/function.hpp"
#include "pg/lock.hpp"
#include "pg/rows.hpp"
#include "pg/waiter.hpp"

namespace {

using kpi::pg::optional_text;
using kpi::pg::text_argument;
using nlohmann::json;

// Arguments of kpi.add_rule in order; how each becomes JSON.
enum class As { text, number, object, list, boolean };
struct Argument {
    const char *name;
    As as;
    bool required;
};
constexpr std::array<Argument, 21> kArguments = {{
    {"name", As::text, true},
    {"metric", As::text, true},
    {"condition", As::text, true},
    {"threshold", As::number, false},
    {"by", As::list, false},
    {"filters", As::object, false},
    {"grain", As::text, false},
    {"baseline", As::text, false},
    {"for_", As::text, false},
    {"keep_firing", As::text, false},
    {"min_volume", As::number, false},
    {"min_change_pct", As::number, false},
    {"min_change_abs", As::number, false},
    {"direction", As::text, false},
    {"severity", As::text, false},
    {"sinks", As::list, false},
    {"owner", As::text, false},
    {"runbook", As::text, false},
    {"labels", As::object, false},
    {"enabled", As::boolean, false},
    {"buckets", As::text, false},
}};

json value_of(FunctionCallInfo fcinfo, int index, As as) {
    if (as == As::list) return kpi::pg::text_array(fcinfo, index);
    if (as == As::boolean) return bool(PG_GETARG_BOOL(index));
    const std::string text = text_argument(fcinfo, index);
    if (as == As::text) return text;
    if (as == As::object) return json::parse(text);
    if (text == "NaN" || text.find("Infinity") != std::string::npos)
        throw kpi::Error("22023", std::string(kArguments[size_t(index)].name) + " must be finite");
    return json::parse(text);
}

json columns_of(FunctionCallInfo fcinfo) {
    json columns = json::object();
    for (int i = 0; i < int(kArguments.size()); ++i) {
        const Argument &argument = kArguments[size_t(i)];
        if (PG_ARGISNULL(i)) {
            if (argument.required) (void)text_argument(fcinfo, i);
            continue;
        }
        columns[argument.name] = value_of(fcinfo, i, argument.as);
    }
    if (PG_ARGISNULL(21)) return columns;
    const json options = json::parse(text_argument(fcinfo, 21));
    if (!options.is_object())
        throw kpi::Error("22023", "options must be a JSON object", {},
                         "For example {\"hysteresis\": 5, \"group_above\": 3}.");
    for (const auto &[key, value] : options.items()) {
        if (columns.contains(key))
            throw kpi::Error("22023", "\"" + key + "\" is an argument, not an option");
        columns[key] = value;
    }
    return columns;
}

const char *seen_name(kpi::monitor::Seen seen) {
    if (seen == kpi::monitor::Seen::bad) return "bad";
    return seen == kpi::monitor::Seen::good ? "good" : "unclear";
}

kpi::pg::Value number(double value) {
    return std::isfinite(value) ? kpi::pg::Value(value) : kpi::pg::Value();
}

}  // namespace

KPI_FUNCTION(add_rule) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const json columns = columns_of(fcinfo);
    {
        const kpi::pg::Spi spi;
        kpi::monitor::add_rule(caller, columns.dump());
    }
    kpi::pg::ring_at_commit(kpi::pg::Urgency::urgent);
    return kpi::pg::text_datum(columns["name"].get<std::string>());
}

KPI_FUNCTION(alter_rule) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const kpi::pg::Spi spi;
    kpi::monitor::alter_rule(caller, text_argument(fcinfo, 0), text_argument(fcinfo, 1));
    kpi::pg::ring_at_commit(kpi::pg::Urgency::urgent);
    PG_RETURN_VOID();
}

KPI_FUNCTION(drop_rule) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const kpi::pg::Spi spi;
    kpi::monitor::drop_rule(caller, text_argument(fcinfo, 0));
    PG_RETURN_VOID();
}

KPI_FUNCTION(test_rule) {
    using namespace kpi::monitor;
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::string name = text_argument(fcinfo, 0);
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    const kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
    const Rule rule = rule_of_caller(name, caller);
    const Reading reading = try_rule(rule, {kpi::pg::now()});
    for (const Found &found : reading.found) {
        const Verdict &v = found.verdict;
        Story story = story_of(rule, reading, found);
        story.language = Language::english;
        kpi::pg::append(
            result, {kpi::pg::jsonb_value(found.segment), kpi::pg::text_value(seen_name(v.seen)),
                     number(v.value), number(v.expected), number(v.limit), number(v.share),
                     number(v.p), kpi::pg::text_value(why(story))});
    }
    return Datum(0);
}

KPI_FUNCTION(backtest) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::string name = text_argument(fcinfo, 0);
    const auto time = [&](int index, const char *argument) {
        if (PG_ARGISNULL(index))
            throw kpi::Error("22004",
                             std::string("argument \"") + argument + "\" must not be null");
        const int64_t at = PG_GETARG_TIMESTAMPTZ(index);
        if (TIMESTAMP_NOT_FINITE(at))
            throw kpi::Error("22023", std::string(argument) + " must be finite");
        return kpi::Timestamp{at};
    };
    const kpi::Timestamp start = time(1, "start_at"), end = time(2, "end_at");
    std::string found;
    {
        const kpi::pg::Spi spi;
        const kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
        found = kpi::monitor::backtest(kpi::monitor::rule_of_caller(name, caller), start, end);
    }
    return kpi::pg::jsonb_datum(found);
}

KPI_FUNCTION(evaluate_rules) {
    const kpi::pg::Spi spi;
    const kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
    const kpi::Timestamp at{PG_ARGISNULL(0) ? kpi::pg::now() : int64_t(PG_GETARG_TIMESTAMPTZ(0))};
    const int64_t making = PG_ARGISNULL(1) ? INT64_MAX : int64_t(PG_GETARG_INT32(1)) * 1000;
    PG_RETURN_INT32(kpi::monitor::evaluate_rules(at, making).firing);
}
