#include "monitor/check/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "monitor/due.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

// A lock that somebody holds says nothing about the data: asked again in a minute.
bool is_postponed(const Outcome &outcome) { return outcome.sqlstate == "55P03"; }

void keep_state(const Check &check, const Outcome &outcome) {
    if (is_postponed(outcome)) {
        pg::execute(
            "UPDATE kpi.check_state SET begun_at = NULL, begun_by = NULL, due_at = least(due_at, "
            "pg_catalog.clock_timestamp() + pg_catalog.make_interval(mins => 1)) WHERE name = $1",
            {check.name});
        return;
    }
    pg::execute(
        R"(
        INSERT INTO kpi.check_state AS s (name, state, message, ran_at, due_at)
        SELECT c.name, $2, $3, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp() + c.every FROM kpi.check c WHERE c.name = $1
            ON CONFLICT (name) DO UPDATE SET state = excluded.state, message = excluded.message, ran_at = excluded.ran_at,
               due_at = excluded.due_at, begun_at = NULL, begun_by = NULL,
               since = CASE WHEN s.state = excluded.state THEN s.since ELSE excluded.ran_at END)",
        {check.name, std::string(state_name(outcome.finding.state)), outcome.finding.message});
}

void keep_result(const Check &check, const Outcome &outcome) {
    pg::execute(
        "INSERT INTO kpi.check_result (name, at, state, value, message, read, duration, sample) "
        "SELECT name, pg_catalog.clock_timestamp(), $2, $3::pg_catalog.float8, $4, $5, "
        "pg_catalog.make_interval(secs "
        "=> $6), $7::pg_catalog.jsonb FROM kpi.check WHERE name = $1",
        {check.name, std::string(state_name(outcome.finding.state)),
         outcome.finding.value ? Param(*outcome.finding.value) : Param(Null{}),
         outcome.finding.message,
         outcome.read != nullptr ? Param(std::string(outcome.read)) : Param(Null{}),
         double(outcome.microseconds) / 1e6,
         outcome.sample.empty() ? Param(Null{}) : Param(outcome.sample)});
}

// One incident for all checks of a source, which keeps its rules quiet (details "source"), and one
// for those of severity info, which does not. Not known while one of them is in error: what is open
// stays open then.
void settle_checks(const std::string &source, bool minor) {
    const char *title =
        minor ? in_language("data of %s fails minor checks",
                            "los datos de %s fallan controles menores")
              : in_language("data of %s fails its checks", "los datos de %s fallan sus controles");
    pg::query(R"(
        WITH checks AS MATERIALIZED (
            SELECT c.name, c.severity, c.sinks, s.state, s.message
              FROM kpi.check c JOIN kpi.check_state s ON s.name = c.name WHERE c.source = $1 AND c.enabled AND (c.severity = 'info') = $2
        ), bad AS MATERIALIZED (SELECT * FROM checks WHERE state = 'failing')
        SELECT kpi._observe(CASE WHEN $2 THEN 'data minor ' ELSE 'data source ' END || $1, 'data',
                   pg_catalog.format($3, $1),
                   coalesce((SELECT severity FROM bad ORDER BY pg_catalog.array_position('{critical,warning,info}', severity) LIMIT 1), 'info'),
                   CASE WHEN EXISTS (SELECT FROM bad) THEN true
                        WHEN EXISTS (SELECT FROM checks WHERE state = 'error') THEN NULL ELSE false END,
                   coalesce((SELECT pg_catalog.array_agg(DISTINCT x.sink ORDER BY x.sink)
                               FROM checks c, pg_catalog.unnest(c.sinks) x (sink)
                              WHERE c.state = 'failing' OR NOT EXISTS (SELECT FROM bad)), '{}'),
                   f.relowner::pg_catalog.regrole,
                   pg_catalog.jsonb_build_object('lines', coalesce(
                       (SELECT pg_catalog.jsonb_agg(pg_catalog.format('%s: %s', b.name, b.message) ORDER BY b.name)
                          FROM (SELECT * FROM bad ORDER BY name LIMIT 20) b), '[]'))
                   || CASE WHEN $2 THEN '{}' ELSE pg_catalog.jsonb_build_object('source', $1) END)
          FROM kpi.source s JOIN pg_catalog.pg_class f ON f.oid = s.facts WHERE s.name = $1)",
              {source, minor, std::string(title)});
}

void settle_source(const std::string &source) {
    settle_checks(source, false);
    settle_checks(source, true);
}

void observe(const std::string &fingerprint, const std::string &title, const Check &check,
             std::optional<bool> failing, const std::string &line) {
    see({.kind = "check",
         .name = check.name,
         .fingerprint = fingerprint,
         .title = title,
         .severity = check.severity,
         .incident = "data",
         .owner = check.owner,
         .failing = failing,
         .line = line});
}

std::string titled(const Check &check, const char *english, const char *spanish) {
    return fmt::format(fmt::runtime(in_language(english, spanish)), check.name);
}

void settle_alone(const Check &check, const Finding &finding) {
    if (check.source) return;
    std::optional<bool> failing;
    if (finding.state != CheckState::error) failing = finding.state == CheckState::failing;
    observe("check " + check.name, titled(check, "check {} fails", "el control {} falla"), check,
            failing, finding.message);
}

// The text of an error may quote data, and a message leaves the house.
void settle_error(const Check &check, const Outcome &outcome) {
    observe("check error " + check.name,
            titled(check, "check {} cannot be run", "el control {} no se puede ejecutar"), check,
            outcome.finding.state == CheckState::error,
            say("SQLSTATE {}; kpi.check_status has the text",
                "SQLSTATE {}; el texto está en kpi.check_status", outcome.sqlstate));
}

}  // namespace

void record(const std::vector<Measured> &measured) {
    std::set<std::string> sources;
    for (const auto &[check, outcome] : measured) {
        keep_state(check, outcome);
        keep_result(check, outcome);
        if (check.source) sources.insert(*check.source);
    }
    for (const std::string &source : sources) settle_source(source);
    for (const auto &[check, outcome] : measured) {
        if (is_postponed(outcome)) continue;
        settle_alone(check, outcome.finding);
        settle_error(check, outcome);
    }
}

std::optional<DueCheck> take_due_check() {
    const auto taken = take_due("check",
                                "(x.source IS NULL OR EXISTS (SELECT FROM kpi.source o WHERE "
                                "o.name = x.source))");
    if (!taken) return std::nullopt;
    std::optional<Check> check = load_check(taken->name);
    if (!check) return std::nullopt;
    return DueCheck{*std::move(check), taken->died};
}

void let_go(const Check &check) {
    if (check.source) settle_source(*check.source);
    settle_alone(check, {});
    settle_error(check, {});
}

bool forget_old_results() { return forget_older("kpi.check_result"); }

}  // namespace kpi::monitor
