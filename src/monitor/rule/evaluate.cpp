#include "monitor/rule/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/error.hpp"
#include "engine/registry/metrics.hpp"
#include "monitor/due.hpp"
#include "monitor/rule/apply.hpp"
#include "monitor/rule/calendar_days.hpp"
#include "pg/lock.hpp"
#include "pg/rows.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"

namespace kpi::monitor {
namespace {

constexpr pg::Options kOften{.keep = pg::Keep::yes};
constexpr std::int64_t kMinute = 60'000'000;

// Rules that one reading serves.
using Sharing = std::tuple<std::uint32_t, Grain, std::vector<std::string>, std::string>;

std::optional<Memory> memory_of(const Rule &rule) {
    const auto content =
        pg::bytes_value("SELECT content FROM kpi.rule_memory WHERE rule = $1 AND made_at >= $2",
                        {rule.name, Timestamp{rule.changed_at}}, kOften);
    if (!content) return std::nullopt;
    return unpack(*content);
}

void keep(const Rule &rule, const Memory &memory) {
    pg::execute(
        "INSERT INTO kpi.rule_memory (rule, made_at, content) VALUES ($1, "
        "pg_catalog.clock_timestamp(), $2) ON CONFLICT (rule) DO UPDATE SET made_at = "
        "excluded.made_at, content = excluded.content",
        {rule.name, Bytes{pack(memory)}}, kOften);
}

// Sources whose data are not to be trusted, and the incident that says so.
std::map<std::string, std::string> inhibited_sources() {
    std::map<std::string, std::string> out;
    const Table table = pg::query(R"(
        SELECT s.source, i.title FROM kpi.incident i CROSS JOIN LATERAL (
               SELECT i.details ->> 'source' AS source
               UNION SELECT e FROM pg_catalog.jsonb_array_elements_text(
                   CASE WHEN pg_catalog.jsonb_typeof(i.details -> 'sources') = 'array' THEN i.details -> 'sources' ELSE '[]' END) e) s
         WHERE i.kind = 'data' AND i.state IN ('firing', 'acknowledged') AND s.source IS NOT NULL)",
                                  {}, kOften);
    for (const Row &row : table.rows) out.emplace(*row[0], *row[1]);
    return out;
}

std::set<std::string> rules_with_errors() {
    std::set<std::string> out;
    for (const Row &row :
         pg::query("SELECT pg_catalog.substr(fingerprint, 7) FROM kpi.incident WHERE kind = "
                   "'error' AND state <> 'resolved'",
                   {}, kOften)
             .rows)
        out.insert(*row[0]);
    return out;
}

std::set<std::string> sources_being_built() {
    std::set<std::string> out;
    for (const Row &row : pg::query("SELECT DISTINCT source FROM kpi.dirty WHERE NOT "
                                    "pg_catalog.isfinite(\"from\") OR \"to\" - \"from\" > 60",
                                    {}, kOften)
                              .rows)
        out.insert(*row[0]);
    return out;
}

class Tick {
public:
    Tick(Timestamp at, std::int64_t making)
        : at_(at),
          making_(making),
          inhibited_(inhibited_sources()),
          failing_(rules_with_errors()),
          building_(sources_being_built()) {
        leaders_.load();
    }

    Evaluated run() {
        std::vector<Rule> rules = enabled_rules();
        for (Rule &rule : rules) resolve(rule);
        std::erase_if(rules, [this](const Rule &rule) { return unresolved_.contains(rule.name); });
        std::map<Sharing, std::vector<const Rule *>> groups;
        for (const Rule &rule : rules)
            if (!waits_for_build(rule))
                groups[{rule.role.value, rule.question.grain, rule.by, rule.filters}].push_back(
                    &rule);
        for (const auto &[key, group] : groups) read(group);
        // The broadest first, whatever they were read with.
        for (const Rule &rule : rules) {
            const auto found = readings_.find(rule.name);
            if (found != readings_.end()) judge(rule, found->second);
        }
        close_forgotten(rules);
        tend(at_.microseconds);
        done_.rules = int(rules.size());
        done_.postponed = int(postponed_.size());
        return done_;
    }

private:
    // A source that is being built is read from its facts: that would cost as much each time.
    bool waits_for_build(const Rule &rule) {
        if (building_.empty()) return false;
        std::string source;
        // read() says what is wrong
        (void)pg::tried([&] {
            for (const engine::Metric &metric : engine::load_metrics({rule.metric}))
                for (const std::string &name : metric.sources)
                    if (building_.contains(name)) source = name;
        });
        if (source.empty()) return false;
        note(rule, {}, fmt::format("source {} is being built", source), std::nullopt);
        return true;
    }

    void resolve(Rule &rule) {
        if (rule.threshold_name.empty()) return;
        if (const auto error = pg::tried([&] { resolve_threshold(rule); })) {
            unresolved_.insert(rule.name);
            fail(rule, *error);
        }
    }

    // Together; when that fails each by itself, to find who is to blame.
    void read(const std::vector<const Rule *> &group) {
        if (group.size() > 1 && attempt(group)) return;
        if (group.size() == 1) {
            (void)attempt(group);
            return;
        }
        for (const Rule *rule : group) (void)attempt({rule});
    }

    bool attempt(const std::vector<const Rule *> &group) {
        std::map<std::string, Reading> readings;
        const auto error = pg::tried([&] {
            if (!group.front()->role_exists)
                throw Error("42704", "the role that made the rule was dropped", {},
                            "Drop the rule and add it again.");
            std::map<std::string, std::optional<Memory>> kept;
            for (const Rule *rule : group) kept[rule->name] = memory_of(*rule);
            {
                const pg::RunAs reader(group.front()->role, pg::Restriction::reading);
                const auto now = read_now(group, at_);
                for (const Rule *rule : group) {
                    const std::optional<Memory> &memory = kept[rule->name];
                    if (must_wait(*rule, is_current(*rule, now, memory))) continue;
                    const std::int64_t began = pg::ticks();
                    readings[rule->name] = read_rule(*rule, now, memory);
                    if (readings[rule->name].made) made_for_ += pg::ticks() - began + 1;
                }
            }
            for (const Rule *rule : group)
                if (const auto found = readings.find(rule->name);
                    found != readings.end() && found->second.made)
                    keep(*rule, found->second.memory);
        });
        if (error) {
            if (group.size() == 1) fail(*group.front(), *error);
            return false;
        }
        readings_.merge(readings);
        return true;
    }

    bool must_wait(const Rule &rule, bool is_current) {
        if (is_current || made_for_ == 0 || made_for_ < making_) return false;
        postponed_.insert(rule.name);
        return true;
    }

    void judge(const Rule &rule, Reading &reading) {
        const auto error = pg::tried([&] {
            const CalendarDays days(reading.bucket, reading.bucket);
            if (const Entry *entry =
                    days.entry(reading.bucket, rule.question.grain, nlohmann::json::object()))
                reading.event = entry->name;
            std::optional<std::string> held_by;
            for (const std::string &source : reading.sources)
                if (const auto found = inhibited_.find(source); found != inhibited_.end())
                    held_by = found->second;
            const Applied applied =
                apply(rule, reading, held_by.has_value(), leaders_, at_.microseconds);
            done_.firing += applied.firing;
            done_.next_change = std::min(done_.next_change, applied.next_change);
            note(rule, applied, held_by, std::nullopt);
            if (failing_.contains(rule.name)) recover(rule);
        });
        if (error) fail(rule, *error);
    }

    Observation error_of(const Rule &rule) const {
        Observation seen;
        seen.fingerprint = "error:" + rule.name;
        seen.kind = "error";
        seen.severity = "warning";
        seen.title = say("rule {} cannot be judged", "la regla {} no se puede juzgar", rule.name);
        seen.assignee = rule.owner;
        seen.labels = nlohmann::json{{"rule", rule.name}}.dump();
        seen.sinks = rule.sinks;
        seen.role = rule.role_exists ? rule.role : pg::extension_owner();
        return seen;
    }

    void fail(const Rule &rule, const Error &error) {
        Observation seen = error_of(rule);
        nlohmann::json lines = {fmt::format("{}: {}", error.sqlstate, error.message)};
        if (!error.hint.empty()) lines.push_back(error.hint);
        seen.details = nlohmann::json{{"lines", lines}, {"sqlstate", error.sqlstate}}.dump(
            -1, ' ', false, nlohmann::json::error_handler_t::replace);
        (void)observe(seen, at_.microseconds);
        note(rule, {}, std::nullopt, fmt::format("{}: {}", error.sqlstate, error.message));
    }

    void recover(const Rule &rule) {
        Observation seen = error_of(rule);
        seen.seen = Seen::good;
        (void)observe(seen, at_.microseconds);
    }

    void note(const Rule &rule, const Applied &applied, const std::optional<std::string> &held_by,
              const std::optional<std::string> &error) const {
        const auto text = [](const std::optional<std::string> &value) {
            return value ? Param(*value) : Param(Null{});
        };
        pg::execute(R"(
            INSERT INTO kpi.rule_state AS s (rule, checked_at, bad, unclear, series, held_by, error)
            VALUES ($1, $2, $3::pg_catalog.int4, $4::pg_catalog.int4, $5::pg_catalog.int4, $6, $7)
                ON CONFLICT (rule) DO UPDATE SET checked_at = excluded.checked_at, bad = excluded.bad, unclear = excluded.unclear,
                   series = excluded.series, held_by = excluded.held_by, error = excluded.error
             WHERE s.checked_at <= excluded.checked_at - interval '1 minute' OR s.checked_at > excluded.checked_at
                OR (s.bad, s.held_by, s.error) IS DISTINCT FROM (excluded.bad, excluded.held_by, excluded.error))",
                    {rule.name, at_, std::int64_t(applied.bad), std::int64_t(applied.unclear),
                     std::int64_t(applied.series), text(held_by), text(error)},
                    kOften);
    }

    // Incidents of rules that are gone or switched off.
    void close_forgotten(const std::vector<Rule> &rules) const {
        std::set<std::string> known = unresolved_;
        for (const Rule &rule : rules) known.insert(rule.name);
        for (const Row &row : pg::query("SELECT DISTINCT rule FROM kpi.incident WHERE rule IS NOT "
                                        "NULL AND state <> 'resolved'",
                                        {}, kOften)
                                  .rows)
            if (!known.contains(*row[0])) close_incidents_of(*row[0], at_.microseconds);
        for (const std::string &name : failing_)
            if (!known.contains(name)) close_incidents_of(name, at_.microseconds);
    }

    Timestamp at_;
    std::int64_t making_, made_for_ = 0;  // microseconds that outlooks may take, and have taken
    std::set<std::string> postponed_;
    std::map<std::string, std::string> inhibited_;
    std::set<std::string> failing_;
    std::set<std::string> building_;
    std::set<std::string> unresolved_;  // thresholds that their environment does not know
    Leaders leaders_;
    std::map<std::string, Reading> readings_;
    Evaluated done_;
};

}  // namespace

void lock_rules() { pg::lock_name("rules", pg::Sharing::exclusive); }

Evaluated evaluate_rules(Timestamp at, std::int64_t making) {
    lock_rules();
    return Tick(at, making).run();
}

Reading try_rule(Rule rule, Timestamp at) {
    resolve_threshold(rule);
    const pg::RunAs reader(rule.role, pg::Restriction::reading);
    return read_rule(rule, read_now({&rule}, at), std::nullopt);
}

}  // namespace kpi::monitor
