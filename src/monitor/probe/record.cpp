#include "monitor/probe/record.hpp"

#include <fmt/format.h>

#include "monitor/due.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

constexpr int kSlowInRow = 2;  // that open an incident

struct Seen {
    int slow_in_row = 0;
    bool plan_changed = false;
};

// Returns what the state is now. An error is neither fast nor slow.
Seen keep_state(const Probe &probe, const ProbeRun &run) {
    const Table state =
        pg::query(R"(
        WITH before AS MATERIALIZED (SELECT plan_hash FROM kpi.probe_state WHERE name = $1)
        INSERT INTO kpi.probe_state AS s (name, ran_at, slow_in_row, plan_hash, due_at)
        SELECT p.name, pg_catalog.clock_timestamp(), $2::pg_catalog.int4, pg_catalog.md5(nullif($3, '')), pg_catalog.clock_timestamp() + p.every
          FROM kpi.probe p WHERE p.name = $1
            ON CONFLICT (name) DO UPDATE SET ran_at = excluded.ran_at, due_at = excluded.due_at, begun_at = NULL, begun_by = NULL,
               slow_in_row = CASE WHEN $4 THEN s.slow_in_row WHEN excluded.slow_in_row = 0 THEN 0 ELSE s.slow_in_row + 1 END,
               plan_hash = coalesce(excluded.plan_hash, s.plan_hash)
        RETURNING slow_in_row, plan_hash <> (SELECT plan_hash FROM before))",
                  {probe.name, int64_t(run.is_slow(probe)), run.plan, run.is_error()});
    if (state.empty()) return {};
    return {std::stoi(*state.rows[0][0]), state.rows[0][1] == "t"};
}

void keep_run(const Probe &probe, const ProbeRun &run, const Seen &seen) {
    const bool failed = run.mishap.has_value();
    pg::execute(
        "INSERT INTO kpi.probe_run (name, at, milliseconds, rows, slow, plan_hash, plan_changed, "
        "error) SELECT name, pg_catalog.clock_timestamp(), CASE WHEN NOT $2 THEN "
        "$3::pg_catalog.float8 END, CASE WHEN NOT $2 THEN $4::pg_catalog.int8 END, $5, "
        "pg_catalog.md5(nullif($6, '')), $7, $8 FROM kpi.probe WHERE name = $1",
        {probe.name, failed, run.milliseconds, run.rows, run.is_slow(probe), run.plan,
         seen.plan_changed, failed ? Param(run.mishap->message) : Param(Null{})});
    if (run.plan.empty()) return;
    pg::execute(
        "INSERT INTO kpi.probe_plan AS p (name, hash, plan, first_at, last_at) SELECT name, "
        "pg_catalog.md5($2), $2::pg_catalog.json, pg_catalog.clock_timestamp(), "
        "pg_catalog.clock_timestamp() FROM kpi.probe WHERE name = $1 ON CONFLICT (name, hash) DO "
        "UPDATE SET last_at = excluded.last_at",
        {probe.name, run.plan});
}

std::string words(const ProbeRun &run) {
    return run.mishap ? run.mishap->message : fmt::format("{:.0f} ms", run.milliseconds);
}

void note(const Probe &probe, const ProbeRun &run, const Seen &seen) {
    if (run.is_slow(probe))
        pg::log(pg::Level::log, fmt::format("kpi_ext probe \"{}\" is slow: {}, more than {:.0f} ms",
                                            probe.name, words(run), probe.slow));
    if (seen.plan_changed)
        pg::log(pg::Level::log, fmt::format("kpi_ext probe \"{}\" has another plan", probe.name),
                {}, "kpi.probe_plan has both.");
}

void observe(const Probe &probe, const char *word, const std::string &title,
             std::optional<bool> failing, const std::string &line) {
    see({.kind = "probe",
         .name = probe.name,
         .fingerprint = fmt::format("{} {}", word, probe.name),
         .title = title,
         .severity = probe.severity,
         .incident = "probe",
         .owner = probe.owner,
         .failing = failing,
         .line = line});
}

std::string titled(const Probe &probe, const char *english, const char *spanish) {
    return fmt::format(fmt::runtime(in_language(english, spanish)), probe.name);
}

void observe_slow(const Probe &probe, std::optional<bool> failing, const std::string &line) {
    observe(probe, "probe", titled(probe, "probe {} is slow", "la sonda {} va lenta"), failing,
            line);
}

void observe_error(const Probe &probe, std::optional<bool> failing, const std::string &sqlstate) {
    observe(probe, "probe error",
            titled(probe, "probe {} cannot be run", "la sonda {} no se puede ejecutar"), failing,
            say("SQLSTATE {}; kpi.probe_run has the text",
                "SQLSTATE {}; el texto está en kpi.probe_run", sqlstate));
}

// Slow once may be chance, and an error says nothing about time.
void settle(const Probe &probe, const ProbeRun &run, const Seen &seen) {
    std::optional<bool> slow = false;
    if (seen.slow_in_row >= kSlowInRow)
        slow = true;
    else if (seen.slow_in_row > 0 || run.is_error())
        slow.reset();
    observe_slow(probe, slow,
                 say("{}, {} times in a row above {:.0f} ms",
                     "{}, {} veces seguidas por encima de {:.0f} ms", words(run), seen.slow_in_row,
                     probe.slow));
    // A lock of somebody's, or a materialized view that is not filled yet.
    const bool passing =
        run.is_error() && (run.mishap->sqlstate == "55P03" || run.mishap->sqlstate == "55000");
    observe_error(probe, passing ? std::nullopt : std::optional(run.is_error()),
                  run.is_error() ? run.mishap->sqlstate : "");
}

}  // namespace

void record(const std::vector<std::pair<Probe, ProbeRun>> &runs) {
    std::vector<Seen> seen;
    seen.reserve(runs.size());
    for (const auto &[probe, run] : runs) {
        seen.push_back(keep_state(probe, run));
        keep_run(probe, run, seen.back());
        note(probe, run, seen.back());
    }
    for (size_t i = 0; i < runs.size(); ++i) settle(runs[i].first, runs[i].second, seen[i]);
}

std::optional<DueProbe> take_due_probe() {
    const auto taken = take_due("probe");
    if (!taken) return std::nullopt;
    std::optional<Probe> probe = load_probe(taken->name);
    if (!probe) return std::nullopt;
    return DueProbe{*std::move(probe), taken->died};
}

void let_go(const Probe &probe) {
    observe_slow(probe, false, in_language("switched off", "desactivada"));
    observe_error(probe, false, "");
}

bool forget_old_runs() { return forget_older("kpi.probe_run"); }

}  // namespace kpi::monitor
