// SQL functions of jobs: kpi.schedule, kpi.unschedule, kpi.run_now, kpi.run_due, kpi.next_runs.
#include "core/cron.hpp"
#include "monitor/config/config.hpp"
#include "monitor/schedule/jobs.hpp"
#include "monitor/schedule/partner.hpp"
#include "pg/bell.hpp"
#include "pg/clock.hpp"
#include "pg/function.hpp"
#include "pg/lock.hpp"
#include "pg/rows.hpp"
#include "pg/slots.hpp"
#include "worker/by_hand.hpp"

namespace {

using kpi::ObjectId;
using kpi::pg::optional_text;
using kpi::pg::text_argument;
using namespace kpi::monitor;

ObjectId caller() { return {GetUserId()}; }

constexpr int kMostRuns = 1000;

// One row a job: as it is now, or why it is not scheduled.
void report(kpi::pg::ResultSet &result, const std::vector<Left> &left,
            const std::optional<std::string> &only) {
    const Partner partner = follow_in_cron(only);
    kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
    for (const Job &job : jobs()) {
        if (only && job.name != *only) continue;
        const auto own = partner.notes.find(job.name);
        result.append_query("SELECT $1, $2, $3, $4::pg_catalog.timestamptz, $5, nullif($6, '')",
                            {job.name, job.schedule, job.time_zone,
                             job.next_at ? kpi::Param(*job.next_at) : kpi::Param(kpi::Null{}),
                             job.enabled ? partner.runs_by : "nobody: it is not enabled",
                             own == partner.notes.end() ? "" : own->second},
                            {});
    }
    for (const Left &one : left)
        result.append_query("SELECT $1, NULL, NULL, NULL::pg_catalog.timestamptz, NULL, $2",
                            {one.job, "not scheduled: " + one.why}, {});
}

}  // namespace

KPI_FUNCTION(schedule_all) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    std::vector<Left> left;
    const ObjectId role = caller();
    {
        kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
        left = schedule_all(role);
    }
    report(result, left, std::nullopt);
    kpi::pg::ring_at_commit();
    return Datum(0);
}

KPI_FUNCTION(schedule_one) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    Wish wish;
    wish.job = text_argument(fcinfo, 0);
    wish.schedule = optional_text(fcinfo, 1);
    wish.time_zone = optional_text(fcinfo, 2);
    if (!PG_ARGISNULL(3)) wish.max_age = kpi::pg::output_text(fcinfo, 3);
    if (!PG_ARGISNULL(4)) wish.enabled = PG_GETARG_BOOL(4);
    if (!PG_ARGISNULL(5)) wish.sinks = kpi::pg::text_array(fcinfo, 5);
    const ObjectId role = caller();
    {
        kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
        schedule(role, wish);
    }
    report(result, {}, wish.job);
    kpi::pg::ring_at_commit();
    return Datum(0);
}

KPI_FUNCTION(unschedule) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    std::vector<std::string> names;
    const ObjectId role = caller();
    {
        kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
        names = unschedule(role, optional_text(fcinfo, 0));
    }
    leave_cron(names);
    for (const std::string &name : names) result.append_query("SELECT $1", {name}, {});
    return Datum(0);
}

KPI_FUNCTION(run_now) {
    const kpi::pg::Spi spi;
    const ObjectId role = caller();
    const std::string job = text_argument(fcinfo, 0);
    kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
    const int64_t run = run_now(role, job);
    if (!kpi::pg::shared_ready())
        kpi::pg::log(kpi::pg::Level::notice, "no worker runs in this server", {},
                     "CALL kpi.run_due() performs the run.");
    kpi::pg::ring_at_commit();
    PG_RETURN_INT64(run);
}

KPI_FUNCTION(run_due) {
    auto *context = reinterpret_cast<CallContext *>(fcinfo->context);
    const bool atomic = context == nullptr || !IsA(context, CallContext) || context->atomic;
    kpi::worker::run_due_by_hand(
        atomic ? kpi::worker::Commits::forbidden : kpi::worker::Commits::allowed,
        optional_text(fcinfo, 0));
    PG_RETURN_VOID();
}

KPI_FUNCTION(next_runs) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    const kpi::Cron cron(text_argument(fcinfo, 0));
    const std::string name = text_argument(fcinfo, 1);
    if (!is_zone(name))
        throw kpi::Error("22023", "time_zone \"" + name + "\" is no time zone", {},
                         "SELECT name FROM pg_timezone_names lists them.");
    if (PG_ARGISNULL(2)) throw kpi::Error("22004", "argument \"after\" must not be null");
    if (PG_ARGISNULL(3)) throw kpi::Error("22004", "argument \"count\" must not be null");
    const int count = PG_GETARG_INT32(3);
    if (count < 1 || count > kMostRuns) throw kpi::Error("22023", "count must be from 1 to 1000");
    if (TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(2)))
        throw kpi::Error("22023", "after must be finite");
    const kpi::Zone zone = kpi::pg::zone(name);
    std::optional<kpi::Timestamp> at = kpi::Timestamp{PG_GETARG_TIMESTAMPTZ(2)};
    for (int i = 0; i < count; ++i) {
        at = cron.next(*at, zone);
        if (!at) break;
        kpi::pg::append(result, {kpi::pg::Value(*at)});
    }
    return Datum(0);
}
