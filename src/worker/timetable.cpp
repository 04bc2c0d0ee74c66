#include "worker/timetable.hpp"

#include <fmt/format.h>

#include <vector>

#include "monitor/config/config.hpp"
#include "monitor/schedule/presets.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "worker/refresh.hpp"

namespace kpi::worker {
namespace {

// Another process has the run: it took this one for dead.
struct TakenOver {};

void keep(const monitor::Run &run) {
    if (!monitor::hold(run)) throw TakenOver{};
}

void demand_owner(const monitor::Run &run) {
    if (pg::value("SELECT 1 FROM pg_catalog.pg_roles WHERE oid = $1", {run.owner})) return;
    throw Error(
        "42704", fmt::format("the role that owned job \"{}\" was dropped", run.job), {},
        fmt::format("SELECT kpi.unschedule('{}'), then kpi.schedule() by a role that stays.",
                    run.job));
}

// A function's one number, or how many rows it returned.
int64_t rows_of(const Table &table) {
    if (table.rows.size() == 1 && table.rows[0].size() == 1 && table.rows[0][0]) {
        const std::string &text = *table.rows[0][0];
        if (text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos)
            return std::stoll(text);
    }
    return int64_t(table.rows.size());
}

int64_t call(const monitor::Run &run) {
    const monitor::Preset what = monitor::preset(run.job);
    if (const auto why = monitor::hindrance(what)) throw Error("42883", *why);
    pg::RunAs owner(run.owner, pg::Restriction::full);
    return rows_of(
        pg::query(fmt::format("SELECT * FROM kpi.{}({})", what.function, what.argument)));
}

// Through the outbox and the courier, so that it vouches for them too.
int64_t beat(const monitor::Run &run) {
    int64_t sent = 0;
    for (const std::string &sink : run.sinks) {
        const Cell kind = pg::value("SELECT kind FROM kpi.sink WHERE name = $1", {sink});
        if (!kind) throw Error("42704", fmt::format("there is no sink \"{}\"", sink));
        const Cell message = pg::value(kind == "pushgateway" ? R"(
                SELECT pg_catalog.jsonb_build_object('job', 'kpi_heartbeat',
                    'grouping', pg_catalog.jsonb_build_object('database', pg_catalog.current_database()),
                    'metrics', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                        'name', 'kpi_heartbeat_timestamp_seconds', 'type', 'gauge', 'help', 'When kpi_ext last ran its jobs.',
                        'samples', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                            'value', pg_catalog.floor(extract(epoch FROM pg_catalog.clock_timestamp()))))))))"
                                                             : R"(
                SELECT pg_catalog.jsonb_build_object('heartbeat', pg_catalog.clock_timestamp(),
                    'database', pg_catalog.current_database(),
                    'environment', pg_catalog.current_setting('kpi.environment')))");
        pg::RunAs owner(run.owner, pg::Restriction::identity);
        pg::execute("SELECT kpi.notify($1, $2)", {sink, Json{*message}});
        ++sent;
    }
    return sent;
}

// Materialized views of the job's owner that show tracked numbers and that nobody watches.
std::vector<std::string> unwatched_views(const monitor::Run &run) {
    std::vector<std::string> views;
    for (const Row &row : pg::query(R"(
            SELECT c.oid FROM pg_catalog.pg_class c
             WHERE c.relkind = 'm' AND pg_catalog.pg_has_role($1, c.relowner, 'USAGE')
               AND NOT EXISTS (SELECT FROM kpi.view v WHERE v.view = c.oid)
               AND EXISTS (SELECT FROM kpi._view_sources(c.oid))
             ORDER BY c.oid)",
                                    {run.owner})
                              .rows)
        views.push_back(*row[0]);
    return views;
}

bool analyzes() {
    for (const monitor::Configured &key : monitor::configured_keys())
        if (key.name == "analyze_after_refresh") return key.value == "true";
    return false;
}

}  // namespace

bool Timetable::run_next(const std::optional<std::string> &job) {
    std::optional<monitor::Run> run;
    steps_.run([&] { monitor::plan(); });
    steps_.run([&] { run = monitor::claim(job); });
    if (!run) return false;
    pg::report_activity("kpi_ext: job " + run->job);
    try {
        const Limited limited(steps_, int64_t(pg::settings().job_timeout) * 1000);
        perform(*run);
    } catch (const TakenOver &) {
        pg::log(pg::Level::log,
                fmt::format("run {} of job \"{}\" was taken over", run->id, run->job));
    } catch (const Error &error) {
        if (steps_.gone()) throw;
        // In a session of somebody: the cancel is theirs, and the run goes to the next who looks.
        if (steps_.by_hand() && error.error_class() == "57") throw;
        failed(*run, error);
    }
    pg::report_activity({});
    return true;
}

void Timetable::failed(const monitor::Run &run, const Error &error) {
    pg::log(pg::Level::log, fmt::format("job \"{}\" failed: {}", run.job, error.message),
            error.detail, error.hint);
    const Limited unlimited(steps_, 0);
    steps_.run([&] { monitor::settle_failed(run, error); });
}

void Timetable::perform(const monitor::Run &run) {
    if (run.kind == "refresh") {
        refresh(run);
        return;
    }
    steps_.run([&] {
        keep(run);
        demand_owner(run);
        const int64_t rows = run.kind == "heartbeat" ? beat(run) : call(run);
        monitor::settle(run, {rows, {}});
    });
}

// Each view a transaction of its own: its locks last no longer than its refresh, and one that fails
// leaves the others refreshed.
void Timetable::refresh(const monitor::Run &run) {
    std::vector<std::string> views;
    bool analyze = false;
    steps_.run([&] {
        keep(run);
        demand_owner(run);
        views = unwatched_views(run);
        analyze = analyzes();
    });
    int64_t refreshed = 0;
    std::optional<Error> first;
    for (const std::string &view : views) {
        try {
            if (refresh_one(run, view, analyze)) ++refreshed;
        } catch (const Error &error) {
            if (steps_.gone() || (steps_.by_hand() && error.error_class() == "57")) throw;
            if (!first) first = error;
        }
    }
    if (first)
        throw Error(first->sqlstate,
                    fmt::format("{} of {} materialized views could not be refreshed: {}",
                                int64_t(views.size()) - refreshed, views.size(), first->message),
                    first->detail, first->hint);
    steps_.run([&] {
        keep(run);
        monitor::settle(run, {refreshed, views.empty() ? "nothing to do" : ""});
    });
}

bool Timetable::refresh_one(const monitor::Run &run, const std::string &view, bool analyze) {
    bool there = false;
    steps_.run([&] {
        keep(run);
        const ObjectId id{uint32_t(std::stoul(view))};
        // Dropped, or watched, since the list was made: nothing to do, and no failure.
        there =
            bool(pg::value("SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = $1 AND c.relkind = "
                           "'m' AND NOT EXISTS (SELECT FROM kpi.view v WHERE v.view = c.oid)",
                           {id}));
        if (there)
            refresh_view(id, Manner::concurrent, analyze ? Analyze::always : Analyze::when_new);
        // It may have taken long: until the next step nobody is to think that this process is gone.
        keep(run);
    });
    return there;
}

}  // namespace kpi::worker
