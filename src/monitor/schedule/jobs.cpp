#include "monitor/schedule/jobs.hpp"

#include <fmt/format.h>

#include <map>

#include "core/cron.hpp"
#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "monitor/config/config.hpp"
#include "monitor/schedule/ledger.hpp"
#include "monitor/schedule/overdue.hpp"
#include "monitor/schedule/presets.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

void check_sinks(const Wish &wish, const Preset &preset) {
    if (!wish.sinks) return;
    std::map<std::string, std::string> kinds;
    std::vector<std::string> names;
    for (const Row &row : pg::query("SELECT name, kind FROM kpi.sink ORDER BY name").rows) {
        kinds[*row[0]] = *row[1];
        names.push_back(*row[0]);
    }
    for (const std::string &sink : *wish.sinks) {
        const auto kind = kinds.find(sink);
        if (kind == kinds.end()) {
            const std::string meant = near(sink, names);
            throw Error("42704", fmt::format("there is no sink \"{}\"", sink), {},
                        meant.empty() ? "SELECT name FROM kpi.sink lists them."
                                      : fmt::format("Did you mean {}?", meant));
        }
        if (preset.kind == "heartbeat" && kind->second != "webhook" &&
            kind->second != "pushgateway")
            throw Error("22023",
                        fmt::format("a heartbeat cannot go to sink \"{}\", which is of kind {}",
                                    sink, kind->second),
                        "Nobody wants to read one every few minutes.",
                        "Use a webhook or pushgateway sink.");
    }
}

void check_times(const Wish &wish) {
    if (wish.schedule && !wish.schedule->empty()) (void)Cron(*wish.schedule);
    if (wish.time_zone && !wish.time_zone->empty() && !is_zone(*wish.time_zone))
        throw Error("22023", fmt::format("\"{}\" is no time zone", *wish.time_zone), {},
                    "SELECT name FROM pg_timezone_names lists them.");
    if (wish.max_age && pg::value("SELECT $1::pg_catalog.interval < '0'", {*wish.max_age}) == "t")
        throw Error("22023", "max_age must not be negative", {},
                    "0 catches up nothing that is late.");
}

void insert(ObjectId caller, const Preset &preset) {
    pg::execute(
        R"(
        INSERT INTO kpi.job (name, kind, owner, max_age) VALUES ($1, $2, $3, $4::pg_catalog.interval)
            ON CONFLICT (name) DO NOTHING)",
        {preset.job, preset.kind, caller, preset.max_age});
}

// Its job is its owner's, whoever may schedule it; its sinks hear when it fails, and one that is
// off stays off.
void insert_report(ObjectId caller, const Preset &preset) {
    const Row row = pg::query(
                        "SELECT name, kpi._may_run($2, owner) FROM kpi.report_plan WHERE "
                        "'kpi_report_' || name = $1",
                        {preset.job, caller})
                        .rows.at(0);
    if (row[1] != "t")
        throw Error("42501",
                    fmt::format("the report of job \"{}\" belongs to another role", preset.job), {},
                    "Its owner may do that, and a member of kpi_operator.");
    pg::execute(
        R"(
        INSERT INTO kpi.job (name, kind, owner, max_age, sinks, enabled)
        SELECT $2, $3, owner, $4::pg_catalog.interval, sinks, enabled FROM kpi.report_plan WHERE name = $1
            ON CONFLICT (name) DO NOTHING)",
        {*row[0], preset.job, preset.kind, preset.max_age});
}

bool exists(const std::string &job) {
    return bool(pg::value("SELECT 1 FROM kpi.job WHERE name = $1", {job}));
}

template <class T>
Param or_null(const std::optional<T> &value) {
    return value ? Param(*value) : Param(Null{});
}

}  // namespace

std::vector<Job> jobs() {
    const Table table = pg::query(R"(
            SELECT j.name, j.kind, j.schedule, j.time_zone, (pg_catalog.date_part('epoch', j.max_age) * 1000000)::pg_catalog.int8,
                   j.enabled, (extract(epoch FROM s.next_at) * 1000000)::pg_catalog.int8 - 946684800000000,
                   s.job IS NOT NULL, s.schedule, s.time_zone
              FROM kpi.job j LEFT JOIN kpi.job_state s ON s.job = j.name ORDER BY j.name)");
    if (table.empty()) return {};
    std::map<std::string, std::string> set;
    for (const Configured &key : configured_keys()) set[key.name] = key.value;
    std::vector<Job> all;
    for (const Row &row : table.rows) {
        Job job;
        job.name = *row[0];
        job.kind = *row[1];
        job.schedule = row[2] ? *row[2] : set[preset(job.name).key];
        job.time_zone = row[3] ? *row[3] : set["time_zone"];
        job.max_age = std::stoll(*row[4]);
        job.enabled = row[5] == "t";
        if (row[6]) job.next_at = Timestamp{std::stoll(*row[6])};
        job.looked_at = row[7] == "t";
        job.same_plan = row[8] == job.schedule && row[9] == job.time_zone;
        all.push_back(std::move(job));
    }
    return all;
}

void demand_job(ObjectId caller, const std::string &job) {
    const Table found = pg::query(
        "SELECT kpi._may_run($2, owner), owner FROM kpi.job WHERE name = $1", {job, caller});
    if (found.empty()) {
        (void)preset(job);
        throw Error("42704", fmt::format("job \"{}\" is not scheduled", job), {},
                    "SELECT * FROM kpi.schedule() schedules what can run here.");
    }
    if (found.rows[0][0] == "t") return;
    throw Error("42501",
                fmt::format("job \"{}\" belongs to role {}", job, found.rows[0][1].value_or("")),
                {}, "Its owner may do that, and a member of kpi_operator.");
}

void schedule(ObjectId caller, const Wish &wish) {
    const Preset what = preset(wish.job);
    if (const auto why = hindrance(what))
        throw Error("55000", fmt::format("job \"{}\" cannot be scheduled: {}", wish.job, *why), {},
                    "It can when that function is there.");
    check_times(wish);
    check_sinks(wish, what);
    if (exists(wish.job))
        demand_job(caller, wish.job);
    else if (what.kind == "report")
        insert_report(caller, what);
    else
        insert(caller, what);
    pg::execute(R"(
        UPDATE kpi.job SET schedule = CASE WHEN $2 IS NULL THEN schedule ELSE nullif($2, '') END,
               time_zone = CASE WHEN $3 IS NULL THEN time_zone ELSE nullif($3, '') END,
               max_age = coalesce($4::pg_catalog.interval, max_age), enabled = coalesce($5::pg_catalog.bool, enabled),
               sinks = coalesce($6::pg_catalog.text[], sinks)
         WHERE name = $1)",
                {wish.job, or_null(wish.schedule), or_null(wish.time_zone), or_null(wish.max_age),
                 or_null(wish.enabled), or_null(wish.sinks)});
    // A report and its job are on or off together.
    if (what.kind == "report" && wish.enabled)
        pg::execute(
            "UPDATE kpi.report_plan SET enabled = $2::pg_catalog.bool WHERE 'kpi_report_' || name "
            "= $1",
            {wish.job, *wish.enabled});
    if (what.kind == "report" &&
        pg::value("SELECT 1 FROM kpi.job WHERE name = $1 AND schedule IS NULL", {wish.job}))
        throw Error("22023", "a report of its own needs a schedule", {},
                    "For example '0 7 * * 1-5'; kpi.alter_report(schedule => '') ends it.");
    if (what.kind == "heartbeat" &&
        pg::value("SELECT 1 FROM kpi.job WHERE name = $1 AND sinks = '{}'", {wish.job}))
        throw Error("22023", "a heartbeat needs a sink", {},
                    "For example kpi.schedule('kpi_heartbeat', sinks => '{name}').");
    plan(Arm::yes);
}

std::vector<Left> schedule_all(ObjectId caller) {
    std::vector<Left> left;
    for (const Preset &one : presets()) {
        const std::string name(one.job);
        if (exists(name)) continue;
        if (const auto why = hindrance(one))
            left.push_back({name, *why});
        else if (one.kind == "heartbeat")
            left.push_back(
                {name, "needs a sink: kpi.schedule('kpi_heartbeat', sinks => '{name}')"});
        else
            insert(caller, one);
    }
    plan(Arm::yes);
    return left;
}

std::vector<std::string> unschedule(ObjectId caller, const std::optional<std::string> &job) {
    if (job) demand_job(caller, *job);
    std::vector<std::string> names;
    for (const Row &row :
         pg::query(
             "DELETE FROM kpi.job WHERE kpi._may_run($1, owner) AND name = coalesce($2, name) "
             "RETURNING name",
             {caller, or_null(job)})
             .rows)
        names.push_back(*row[0]);
    pg::execute("DELETE FROM kpi.job_state WHERE job = ANY ($1)", {names});
    pg::execute("DELETE FROM kpi.run WHERE job = ANY ($1) AND state = 'waiting'", {names});
    for (const std::string &name : names) close_incident(name);
    return names;
}

int64_t run_now(ObjectId caller, const std::string &job) {
    demand_job(caller, job);
    const Cell id = pg::value(
        R"(
        WITH new AS (
            INSERT INTO kpi.run (job, owner, requested_by)
            SELECT name, owner, $2 FROM kpi.job WHERE name = $1
                ON CONFLICT (job) WHERE state = 'waiting' AND scheduled_for IS NULL DO NOTHING RETURNING id)
        SELECT id FROM new
         UNION ALL
        SELECT id FROM kpi.run WHERE job = $1 AND state = 'waiting' AND scheduled_for IS NULL LIMIT 1)",
        {job, caller});
    if (!id)
        throw Error("40001", fmt::format("another session has just queued a run of \"{}\"", job),
                    {}, "Call it again.");
    return std::stoll(*id);
}

}  // namespace kpi::monitor
