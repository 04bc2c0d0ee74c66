// monitor/schedule: what runs when. This file: jobs as they are defined (kpi.job). Needs an open
// Spi, as the extension's owner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::monitor {

struct Job {
    std::string name, kind;
    std::string schedule, time_zone;  // as they count: the job's own, or the environment's
    int64_t max_age = 0;              // microseconds
    bool enabled = true;
    std::optional<Timestamp> next_at;  // as the last look left it
    bool looked_at = false;            // there was one, in this database
    bool same_plan = false;            // next_at is of this schedule and zone
};
std::vector<Job> jobs();

// What kpi.schedule(job, ...) asks for; nullopt: as it is.
struct Wish {
    std::string job;
    std::optional<std::string> schedule, time_zone, max_age;  // empty: as the environment says
    std::optional<bool> enabled;
    std::optional<std::vector<std::string>> sinks;
};
// Errors: 42704 for an unknown job or sink, 42501 when the job is somebody else's, 55000 when it
// cannot be scheduled here, 22023 for a schedule or zone.
void schedule(ObjectId caller, const Wish &wish);
// Every preset that can be scheduled here; those that are there already stay as they are. Returns
// why each of the others is not.
struct Left {
    std::string job, why;
};
std::vector<Left> schedule_all(ObjectId caller);
// nullopt: all that are the caller's. Returns their names. Errors as above.
std::vector<std::string> unschedule(ObjectId caller, const std::optional<std::string> &job);
// Queues a run; the one that waits already when there is one. Returns its id.
int64_t run_now(ObjectId caller, const std::string &job);

// Of whom membership counts; and members of kpi_operator. Errors: 42501.
void demand_job(ObjectId caller, const std::string &job);

}  // namespace kpi::monitor
