#include "monitor/schedule/overdue.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "core/error.hpp"
#include "monitor/due.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

// The worst that is known of a job, and its time or text; no row: there is no such job, NULL: all
// is well. Ten minutes and an hour: the same whatever the schedule, so that what is told is the
// same too.
constexpr const char *kTrouble = R"(
    SELECT CASE WHEN s.error IS NOT NULL THEN 'unusable' WHEN w.since IS NOT NULL THEN 'overdue' WHEN g.since IS NOT NULL THEN 'endless'
                WHEN l.state IN ('failed', 'missed') THEN l.state END,
           coalesce(w.id, g.id, l.id),
           coalesce(s.error, w.since::text, g.since::text, CASE l.state WHEN 'failed' THEN pg_catalog.left(l.error, 200) ELSE l.scheduled_for::text END, '')
      FROM kpi.job j LEFT JOIN kpi.job_state s ON s.job = j.name
      LEFT JOIN LATERAL (
           SELECT r.id, r.state, r.error, r.scheduled_for FROM kpi.run r
            WHERE r.job = j.name AND r.state IN ('succeeded', 'failed', 'missed') ORDER BY r.ended_at DESC, r.id DESC LIMIT 1) l ON true
      LEFT JOIN LATERAL (
           SELECT r.id, r.due_at AS since FROM kpi.run r
            WHERE r.job = j.name AND r.state = 'waiting' AND r.due_at < pg_catalog.clock_timestamp() - interval '10 minutes'
            UNION ALL
           SELECT NULL, s.next_at WHERE j.enabled AND s.next_at < pg_catalog.clock_timestamp() - interval '10 minutes'
            LIMIT 1) w ON true
      LEFT JOIN LATERAL (
           SELECT r.id, r.started_at AS since FROM kpi.run r
            WHERE r.job = j.name AND r.state = 'running' AND r.started_at < pg_catalog.clock_timestamp() - interval '1 hour' LIMIT 1) g ON true
     WHERE j.name = $1)";

struct Words {
    std::string_view trouble;
    const char *english, *spanish;
};
constexpr Words kWords[] = {
    {"unusable", "job {} has no usable schedule: {}",
     "la tarea {} no tiene un horario utilizable: {}"},
    {"overdue", "job {} is overdue: due at {}, not begun",
     "la tarea {} va con retraso: tocaba a las {} y no ha empezado"},
    {"endless", "job {} does not end: it runs since {}",
     "la tarea {} no termina: está en marcha desde {}"},
    {"failed", "job {} failed: {}", "la tarea {} ha fallado: {}"},
    {"missed", "job {} was missed: due at {}", "la tarea {} no se ejecutó: tocaba a las {}"},
};

std::string title_of(const std::string &job, const Row &trouble) {
    for (const Words &words : kWords)
        if (trouble[0] == words.trouble)
            return fmt::format(fmt::runtime(in_language(words.english, words.spanish)), job,
                               trouble[2].value_or(""));
    return "job " + job;
}

void observe(const std::string &job, const Row &trouble) {
    nlohmann::json details = {{"job", job}, {"lines", nlohmann::json::array()}};
    if (trouble[1]) details["run"] = std::stoll(*trouble[1]);
    if (trouble[0])
        details["lines"].push_back("SELECT * FROM kpi.run WHERE job = '" + job +
                                   "' ORDER BY id DESC LIMIT 5");
    pg::execute(R"(
        SELECT kpi._observe('job:' || j.name, 'run', $2, 'warning', $3, j.sinks, j.owner, $4)
          FROM kpi.job j WHERE j.name = $1)",
                {job, title_of(job, trouble), bool(trouble[0]), Json{details.dump()}});
}

}  // namespace

void watch_job(const std::string &job) {
    // An error must not undo what the run did.
    const auto error = pg::tried([&] {
        const Table trouble = pg::query(kTrouble, {job});
        if (!trouble.empty()) observe(job, trouble.rows[0]);
    });
    if (error)
        pg::log(pg::Level::warning,
                "the incident of job \"" + job + "\" could not be kept: " + error->message,
                error->detail, error->hint);
}

void watch_jobs() {
    for (const Row &row : pg::query("SELECT name FROM kpi.job ORDER BY name").rows)
        watch_job(*row[0]);
}

void close_incident(const std::string &job) {
    pg::execute(R"(
        SELECT kpi._observe(i.fingerprint, i.kind, i.title, i.severity, false, i.sinks, i.role, i.details)
          FROM kpi.incident i WHERE i.fingerprint = 'job:' || $1 AND i.state <> 'resolved')",
                {job});
}

}  // namespace kpi::monitor
