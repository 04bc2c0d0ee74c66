#include "worker/by_hand.hpp"

#include <fmt/format.h>

#include "monitor/schedule/overdue.hpp"
#include "monitor/schedule/presets.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"
#include "worker/chores.hpp"
#include "worker/courier.hpp"
#include "worker/rounds.hpp"
#include "worker/steps.hpp"
#include "worker/timetable.hpp"

namespace kpi::worker {
namespace {

bool owns(ObjectId caller, ObjectId view) {
    const Cell owner = pg::value(R"(
        SELECT pg_catalog.pg_has_role($1, c.relowner, 'USAGE') FROM pg_catalog.pg_class c WHERE c.oid = $2)",
                                 {caller, view});
    if (!owner)
        throw Error("42P01", fmt::format("relation with OID {} does not exist", view.value));
    return owner == "t";
}

void demand_ownership(ObjectId caller, ObjectId view) {
    if (owns(caller, view)) return;
    throw Error("42501", fmt::format("must be owner of materialized view {}", pg::qualified(view)));
}

int64_t refresh_dirty(ObjectId caller, Manner manner, Analyze analyze) {
    int64_t refreshed = 0;
    for (const View &view : dirty_views(0)) {
        if (!owns(caller, view.id)) continue;
        try {
            pg::Savepoint savepoint;
            refresh_view(view.id, manner, analyze);
            savepoint.release();
            ++refreshed;
        } catch (const Error &error) {
            // A cancel ends the call; any other error is this view's, and the others go on.
            if (error.error_class() == "57") throw;
            pg::log(pg::Level::warning,
                    fmt::format("refresh of {} failed: {}", view.name, error.message), error.detail,
                    error.hint);
        }
    }
    return refreshed;
}

void demand_commits(Commits commits, const char *what) {
    if (commits == Commits::allowed) return;
    throw Error("2D000",
                fmt::format("{} cannot run inside a transaction block or a function", what),
                "Each of its steps is a transaction of its own.",
                "CALL it as a statement of its own, with autocommit on.");
}

}  // namespace

void work_by_hand(Commits commits) {
    demand_commits(commits, "kpi.work()");
    pg::Spi spi(pg::Atomic::no);
    Steps steps(spi);
    Rounds rounds(steps);
    // Windows once, whatever is left to merge afterwards.
    Rest rest = rounds.run(Demand::everything);
    while (rest == Rest::unfinished) rest = rounds.run(Demand::timed);
    Chores(steps).run_due([] { return true; });
    steps.run([] { monitor::watch_jobs(); });
    deliver_by_hand(steps);
}

void run_due_by_hand(Commits commits, const std::optional<std::string> &job) {
    demand_commits(commits, "kpi.run_due()");
    pg::Spi spi(pg::Atomic::no);
    if (job) {
        const pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
        (void)monitor::preset(*job);
    }
    Steps steps(spi);
    Timetable timetable(steps);
    while (timetable.run_next(job)) {
    }
}

int64_t refresh_by_hand(ObjectId caller, std::optional<ObjectId> view, Manner manner,
                        Analyze analyze) {
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    if (!view) return refresh_dirty(caller, manner, analyze);
    demand_ownership(caller, *view);
    refresh_view(*view, manner, analyze);
    return 1;
}

void watch_view(ObjectId caller, ObjectId view) {
    pg::RunAs owner(pg::extension_owner());
    demand_ownership(caller, view);
    const Cell kind = pg::value("SELECT relkind FROM pg_catalog.pg_class WHERE oid = $1", {view});
    if (kind != "m")
        throw Error("42809", fmt::format("{} is not a materialized view", pg::qualified(view)), {},
                    "Only materialized views need a refresh; tables and views are always current.");
    if (!pg::value("SELECT 1 FROM kpi._view_sources($1)", {view}))
        pg::log(pg::Level::notice, fmt::format("{} reads no tracked source", pg::qualified(view)),
                {}, "It is refreshed once; track the facts view that it reads.");
    // Views dropped since: their rows name nothing any more.
    pg::execute(
        "DELETE FROM kpi.view v WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = "
        "v.view)");
    pg::execute("INSERT INTO kpi.view (view) VALUES ($1) ON CONFLICT (view) DO NOTHING", {view});
}

void unwatch_view(ObjectId caller, ObjectId view) {
    pg::RunAs owner(pg::extension_owner());
    demand_ownership(caller, view);
    if (pg::execute("DELETE FROM kpi.view WHERE view = $1", {view}) == 0)
        throw Error("42704", fmt::format("{} is not watched", pg::qualified(view)), {},
                    "SELECT view FROM kpi.view lists those that are.");
}

}  // namespace kpi::worker
