// pg_cron as a second clock, where it is installed: a cron job of the same name for each job, which
// calls kpi.run_due(name). Whether something is due, our own schedule and ledger decide: pg_cron
// knows one time zone, no last day of the month and nothing of missed runs. Its jobs live in one
// database of the server: where that is another one, they are called name@database. Needs an open
// Spi, as the caller: cron jobs are theirs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kpi::monitor {

struct Partner {
    std::string runs_by;                       // the worker, pg_cron, both, or what to do
    std::map<std::string, std::string> notes;  // by job: what pg_cron refused
};
// `only`: of one job. A cron job that pg_cron refuses is noted, and raises nothing.
Partner follow_in_cron(const std::optional<std::string> &only);
void leave_cron(const std::vector<std::string> &jobs);

// What pg_cron is given: the expression itself where it says the same to pg_cron, else every
// minute.
std::string ticks(const std::string &schedule, const std::string &time_zone);

}  // namespace kpi::monitor
