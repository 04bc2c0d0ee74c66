#include "monitor/schedule/partner.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "monitor/schedule/jobs.hpp"
#include "pg/elsewhere.hpp"
#include "pg/lock.hpp"
#include "pg/slots.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

// Of a server without our worker: merges, delivers and catches up.
constexpr const char *kWork = "kpi_work";

// The launcher keeps a worker, and that a steward, in each database that says so.
bool has_worker() {
    return pg::shared_ready() && pg::value(R"(
        SELECT 1 FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
         WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
           AND s.setrole = 0 AND c IN ('kpi.worker=on', 'kpi.worker=true', 'kpi.worker=yes', 'kpi.worker=1'))");
}

// Where pg_cron keeps its jobs.
struct CronPlace {
    enum class Place { nowhere, here, elsewhere } place = Place::nowhere;
    std::string database;  // elsewhere
    ObjectId role;         // who schedules
};

CronPlace find_cron() {
    CronPlace cron;
    cron.role = pg::current_role();
    if (pg::value("SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'pg_cron'")) {
        cron.place = CronPlace::Place::here;
        return cron;
    }
    // Only a superuser may read pg_cron's settings by himself.
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const Cell database = pg::value(R"(
        SELECT d.datname FROM pg_catalog.pg_database d
         WHERE d.datname = pg_catalog.current_setting('cron.database_name', true) AND d.datname <> pg_catalog.current_database()
           AND 'pg_cron' = ANY (pg_catalog.string_to_array(pg_catalog.replace(
                   pg_catalog.current_setting('shared_preload_libraries'), ' ', ''), ',')))");
    if (!database) return cron;
    cron.place = CronPlace::Place::elsewhere;
    cron.database = *database;
    return cron;
}

// Beside those of other databases in pg_cron's own.
std::string name_in(const CronPlace &cron, const std::string &job) {
    if (cron.place == CronPlace::Place::here) return job;
    return fmt::format("{}@{}", job, *pg::value("SELECT pg_catalog.current_database()"));
}

std::string schedule_call(const CronPlace &cron, const std::string &job,
                          const std::string &schedule, const std::string &command) {
    const std::string name = pg::literal(name_in(cron, job));
    if (cron.place == CronPlace::Place::here)
        return fmt::format("SELECT cron.schedule({}, {}, {})", name, pg::literal(schedule),
                           pg::literal(command));
    return fmt::format("SELECT cron.schedule_in_database({}, {}, {}, {})", name,
                       pg::literal(schedule), pg::literal(command),
                       pg::literal(*pg::value("SELECT pg_catalog.current_database()")));
}

std::string unschedule_call(const CronPlace &cron, const std::string &job) {
    return fmt::format(
        "SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = {} AND username = "
        "current_user "
        "AND database = {}",
        pg::literal(name_in(cron, job)),
        pg::literal(*pg::value("SELECT pg_catalog.current_database()")));
}

// The error; empty: done.
std::string tell(const CronPlace &cron, const std::vector<std::string> &statements) {
    if (statements.empty()) return {};
    const auto error = pg::tried([&] {
        if (cron.place == CronPlace::Place::elsewhere)
            pg::run_elsewhere(cron.database, cron.role, statements);
        else
            for (const std::string &statement : statements) pg::execute(statement);
    });
    if (!error) return {};
    return fmt::format("pg_cron: {}{}", error->message,
                       error->hint.empty() ? "" : " (" + error->hint + ")");
}

std::vector<Job> all_jobs() {
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    return jobs();
}

}  // namespace

std::string ticks(const std::string &schedule, const std::string &time_zone) {
    const bool utc = time_zone == "UTC" || time_zone == "GMT" || time_zone == "Etc/UTC";
    if (!utc || schedule.find_first_not_of("0123456789*,-/ ") != std::string::npos)
        return "* * * * *";
    for (size_t at = schedule.find('/'); at != std::string::npos; at = schedule.find('/', at + 1))
        if (at == 0 || schedule[at - 1] != '*') return "* * * * *";
    return schedule;
}

Partner follow_in_cron(const std::optional<std::string> &only) {
    Partner partner;
    const bool worker = has_worker();
    partner.runs_by = worker ? "worker" : "nobody yet: CALL kpi.work() does when it is called";
    const CronPlace cron = find_cron();
    if (cron.place == CronPlace::Place::nowhere) return partner;
    std::vector<std::string> statements;
    std::vector<std::string> names;
    for (const Job &job : all_jobs()) {
        if (only && job.name != *only) continue;
        names.push_back(job.name);
        statements.push_back(
            job.enabled ? schedule_call(cron, job.name, ticks(job.schedule, job.time_zone),
                                        fmt::format("CALL kpi.run_due({})", pg::literal(job.name)))
                        : unschedule_call(cron, job.name));
    }
    if (!worker) statements.push_back(schedule_call(cron, kWork, "* * * * *", "CALL kpi.work()"));
    const std::string fault = tell(cron, statements);
    if (fault.empty())
        partner.runs_by = worker ? "worker and pg_cron" : "pg_cron";
    else
        for (const std::string &name : names) partner.notes[name] = fault;
    return partner;
}

void leave_cron(const std::vector<std::string> &jobs) {
    const CronPlace cron = find_cron();
    if (cron.place == CronPlace::Place::nowhere || jobs.empty()) return;
    std::vector<std::string> statements;
    statements.reserve(jobs.size() + 1);
    for (const std::string &job : jobs) statements.push_back(unschedule_call(cron, job));
    if (all_jobs().empty()) statements.push_back(unschedule_call(cron, kWork));
    const std::string fault = tell(cron, statements);
    if (!fault.empty())
        pg::log(pg::Level::warning, "cron jobs may be left: " + fault, {},
                "They run nothing that is not scheduled; SELECT cron.unschedule(jobid) FROM "
                "cron.job removes them.");
}

}  // namespace kpi::monitor
