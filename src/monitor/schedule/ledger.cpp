#include "monitor/schedule/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/catch_up.hpp"
#include "monitor/schedule/jobs.hpp"
#include "monitor/schedule/overdue.hpp"
#include "pg/clock.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"

namespace kpi::monitor {
namespace {

constexpr int kAttempts = 3;
// A run that begins within this time is not late, whatever its max_age: somebody looks every few
// seconds or every minute, and one job waits for another.
constexpr int64_t kOnTime = 600'000'000;
constexpr const char *kKept = "90 days";

// States are written by one process at a time; the others find the row locked, or changed.
bool hold_state(const Job &job) {
    if (!job.looked_at) return true;
    return bool(pg::value(R"(
        SELECT 1 FROM kpi.job_state
         WHERE job = $1 AND next_at IS NOT DISTINCT FROM $2::pg_catalog.timestamptz FOR UPDATE SKIP LOCKED)",
                          {job.name, job.next_at ? Param(*job.next_at) : Param(Null{})}));
}

void save_state(const Job &job, std::optional<Timestamp> next, const std::string &error) {
    pg::execute(
        R"(
        INSERT INTO kpi.job_state AS s (job, schedule, time_zone, next_at, error)
        VALUES ($1, $2, $3, $4, nullif($5, ''))
            ON CONFLICT (job) DO UPDATE
           SET schedule = excluded.schedule, time_zone = excluded.time_zone, next_at = excluded.next_at, error = excluded.error)",
        {job.name, job.schedule, job.time_zone, next ? Param(*next) : Param(Null{}), error});
}

// One run stands for all: also for what was entered earlier and never began.
int64_t take_back_waiting(const Job &job, Timestamp before) {
    return std::stoll(*pg::value(R"(
        WITH old AS (
            DELETE FROM kpi.run WHERE job = $1 AND state = 'waiting' AND scheduled_for < $2 RETURNING skipped)
        SELECT coalesce(pg_catalog.sum(skipped + 1), 0) FROM old)",
                                 {job.name, before}));
}

void enter(const Job &job, const Owed &due) {
    const int64_t skipped = std::min(due.skipped + take_back_waiting(job, *due.last), kMostCounted);
    const std::string late = skipped > 0
                                 ? fmt::format("{}{} earlier times passed without a run", skipped,
                                               skipped == kMostCounted ? " or more" : "")
                                 : "";
    pg::execute(R"(
        INSERT INTO kpi.run (job, owner, scheduled_for, state, skipped, note, ended_at, error)
        SELECT name, owner, $2, CASE WHEN $3 THEN 'missed' ELSE 'waiting' END, $4, nullif($5, ''),
               CASE WHEN $3 THEN pg_catalog.clock_timestamp() END,
               CASE WHEN $3 THEN 'nothing ran it in time, and its max_age of ' || max_age || ' is over' END
          FROM kpi.job WHERE name = $1
            ON CONFLICT (job, scheduled_for) DO NOTHING)",
                {job.name, *due.last, due.too_old, skipped, late});
}

void plan_one(const Job &job, Timestamp now) {
    // A new schedule begins now: what it would have asked for earlier is not owed.
    const std::optional<Timestamp> since = job.same_plan ? job.next_at : std::nullopt;
    Owed due;
    std::string error;
    try {
        due = owed(Cron(job.schedule), pg::zone(job.time_zone), since, now,
                   std::max(job.max_age, kOnTime));
    } catch (const Error &fault) {
        // Raised by our own code: no transaction is spoilt.
        error = fault.message;
    }
    if (due.next == job.next_at && job.same_plan && !due.last && error.empty()) return;
    if (!hold_state(job)) return;
    if (due.last) enter(job, due);
    save_state(job, due.next, error);
    if (due.too_old || !error.empty()) watch_job(job.name);
}

// What a run has done, and that it was begun, must outlast a crash: a background worker's commits
// need not be on disk otherwise.
void commit_to_disk() {
    pg::execute("SELECT pg_catalog.set_config('synchronous_commit', 'on', true)");
}

// It waited, or was broken off, for too long, or a later run stands for it: true when it is
// settled.
bool is_over(int64_t run) {
    const Cell over = pg::value(R"(
        UPDATE kpi.run r SET state = CASE WHEN r.state = 'running' THEN 'failed' ELSE 'missed' END,
               ended_at = pg_catalog.clock_timestamp(), claimed_at = NULL,
               error = CASE WHEN r.state = 'running' THEN 'its process ended, and ' ELSE 'nothing ran it in time, and ' END ||
                       CASE WHEN l.id IS NULL THEN 'its max_age of ' || j.max_age || ' is over' ELSE 'run ' || l.id || ' stands for it' END
          FROM kpi.job j LEFT JOIN LATERAL (
               SELECT w.id FROM kpi.run w WHERE w.job = j.name AND w.state = 'waiting' AND w.scheduled_for IS NOT NULL AND w.id <> $1 LIMIT 1) l ON true
         WHERE r.id = $1 AND j.name = r.job AND r.scheduled_for IS NOT NULL
           AND (l.id IS NOT NULL OR r.scheduled_for < pg_catalog.clock_timestamp() - greatest(j.max_age, pg_catalog.make_interval(secs => $2)))
        RETURNING r.job)",
                                {run, double(kOnTime) / 1e6});
    if (over) watch_job(*over);
    return bool(over);
}

}  // namespace

void plan(Arm arm) {
    const Timestamp now{pg::now()};
    for (const Job &job : jobs()) {
        if (job.kind == "heartbeat" && !job.looked_at && arm == Arm::no) continue;
        if (job.enabled) {
            plan_one(job, now);
        } else if (job.looked_at) {
            pg::execute("DELETE FROM kpi.job_state WHERE job = $1", {job.name});
            (void)take_back_waiting(job, now);
        }
    }
}

std::optional<Run> claim(const std::optional<std::string> &job) {
    // Running ones whose row is not locked: their process is gone. It has some seconds between the
    // transaction that claims and the one that runs.
    const Table candidates = pg::query(
        R"(
        SELECT r.id, r.job FROM kpi.run r JOIN kpi.job j ON j.name = r.job
         WHERE r.job = coalesce($1, r.job)
           AND (r.state = 'waiting' AND r.due_at <= pg_catalog.clock_timestamp()
                OR r.state = 'running' AND NOT r.claimed_at BETWEEN pg_catalog.clock_timestamp() - interval '15 seconds'
                                                                AND pg_catalog.clock_timestamp() + interval '1 minute')
         ORDER BY r.state = 'waiting', r.due_at, r.id)",
        {job ? Param(*job) : Param(Null{})});
    for (const Row &row : candidates.rows) {
        const int64_t id = std::stoll(*row[0]);
        // One claim of a job at a time, so that no two runs of it overlap.
        if (!pg::value("SELECT 1 FROM kpi.job WHERE name = $1 FOR UPDATE SKIP LOCKED", {*row[1]}))
            continue;
        if (pg::value("SELECT 1 FROM kpi.run WHERE job = $1 AND state = 'running' AND id <> $2",
                      {*row[1], id}))
            continue;
        const Table held = pg::query(
            R"(
            SELECT state, attempt FROM kpi.run
             WHERE id = $1 AND (state = 'waiting' AND due_at <= pg_catalog.clock_timestamp() OR state = 'running')
               FOR UPDATE SKIP LOCKED)",
            {id});
        if (held.empty() || is_over(id)) continue;
        Run run;
        run.id = id;
        run.job = *row[1];
        run.attempt = std::stoi(*held.rows[0][1]);
        if (run.attempt >= kAttempts) {
            settle_failed(run,
                          Error("57P01", fmt::format("its process ended {} times", kAttempts)));
            continue;
        }
        ++run.attempt;
        commit_to_disk();
        const Table claimed = pg::query(R"(
            UPDATE kpi.run r SET state = 'running', attempt = $2, claimed_at = pg_catalog.clock_timestamp(),
                   started_at = pg_catalog.clock_timestamp(), error = NULL
              FROM kpi.job j WHERE r.id = $1 AND j.name = r.job
            RETURNING j.kind, j.owner::pg_catalog.oid)",
                                        {id, int64_t(run.attempt)});
        run.kind = *claimed.rows[0][0];
        run.owner = {uint32_t(std::stoul(*claimed.rows[0][1]))};
        for (const Row &sink :
             pg::query("SELECT pg_catalog.unnest(sinks) FROM kpi.job WHERE name = $1", {run.job})
                 .rows)
            run.sinks.push_back(*sink[0]);
        return run;
    }
    return std::nullopt;
}

bool hold(const Run &run) {
    return pg::execute(R"(
        UPDATE kpi.run SET claimed_at = pg_catalog.clock_timestamp()
         WHERE id = $1 AND state = 'running' AND attempt = $2)",
                       {run.id, int64_t(run.attempt)}) == 1;
}

void settle(const Run &run, const Performed &performed) {
    commit_to_disk();
    pg::execute(R"(
        UPDATE kpi.run SET state = 'succeeded', ended_at = pg_catalog.clock_timestamp(), rows = $3,
               note = nullif(pg_catalog.concat_ws('; ', note, nullif($4, '')), '')
         WHERE id = $1 AND state = 'running' AND attempt = $2)",
                {run.id, int64_t(run.attempt),
                 performed.rows ? Param(*performed.rows) : Param(Null{}), performed.note});
    pg::execute(
        "DELETE FROM kpi.run WHERE job = $1 AND ended_at < pg_catalog.clock_timestamp() - "
        "$2::pg_catalog.interval",
        {run.job, std::string(kKept)});
    watch_job(run.job);
}

void settle_failed(const Run &run, const Error &error) {
    // Locks, deadlocks, resources: they pass.
    const auto kind = error.error_class();
    const bool passing = kind == "40" || kind == "53" || error.sqlstate == "55P03";
    const bool again = passing && run.attempt < kAttempts;
    pg::execute(R"(
        UPDATE kpi.run SET state = CASE WHEN $3 THEN 'waiting' ELSE 'failed' END, error = $4, claimed_at = NULL,
               due_at = CASE WHEN $3 THEN pg_catalog.clock_timestamp() + attempt * interval '1 minute' ELSE due_at END,
               ended_at = CASE WHEN $3 THEN NULL ELSE pg_catalog.clock_timestamp() END
         WHERE id = $1 AND state = 'running' AND attempt = $2)",
                {run.id, int64_t(run.attempt), again,
                 fmt::format("{}: {}", error.sqlstate, error.message)});
    if (!again) watch_job(run.job);
}

}  // namespace kpi::monitor
