#include "worker/chores.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "monitor/check/record.hpp"
#include "monitor/history/history.hpp"
#include "monitor/probe/record.hpp"
#include "monitor/publication/publication.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"
#include "reporting/announcement.hpp"
#include "reporting/archive.hpp"
#include "worker/backoff.hpp"
#include "worker/timetable.hpp"

namespace kpi::worker {
namespace {

// The time of a check and a last resort beside it: code that goes on when it is cancelled is
// cancelled again, and then ends with its process.
constexpr int64_t kLastResort = 2;
constexpr int64_t kForgetEvery = 600'000'000;  // microseconds

monitor::Outcome measured(Steps &steps, const monitor::DueCheck &due) {
    if (due.died) return monitor::failed_outcome("the process ended while the check ran", "57P02");
    monitor::Outcome outcome;
    try {
        const Limited limited(steps, kLastResort * pg::settings().check_timeout * 1000);
        steps.run([&] { outcome = monitor::measure(due.check); });
    } catch (const Error &error) {
        if (steps.gone()) throw;
        outcome = monitor::failed_outcome(error.message, error.sqlstate);
    }
    return outcome;
}

bool run_next_check(Steps &steps) {
    std::optional<monitor::DueCheck> due;
    steps.run([&] { due = monitor::take_due_check(); });
    if (!due) return false;
    pg::report_activity("kpi_ext: checking " + due->check.name);
    const monitor::Outcome outcome = measured(steps, *due);
    steps.run([&] { monitor::record({{due->check, outcome}}); });
    return true;
}

bool run_next_job(Steps &steps) { return Timetable(steps).run_next(); }

bool run_next_probe(Steps &steps) {
    std::optional<monitor::DueProbe> due;
    steps.run([&] { due = monitor::take_due_probe(); });
    if (!due) return false;
    pg::report_activity("kpi_ext: probing " + due->probe.name);
    monitor::ProbeRun run;
    run.mishap = pg::Mishap{"the process ended while the probe ran", "57P02", true};
    if (!due->died) try {
            const Limited limited(steps, kLastResort * pg::settings().check_timeout * 1000);
            steps.run([&] { run = monitor::run_probe(due->probe); });
        } catch (const Error &error) {
            if (steps.gone()) throw;
            run.mishap = pg::Mishap{error.message, error.sqlstate, false};
        }
    steps.run([&] { monitor::record({{due->probe, run}}); });
    return true;
}

// What is taken, done within the time of a check, and whose failure is noted beside it.
template <typename Due>
bool run_next_noted(Steps &steps, std::optional<Due> (*take)(), std::string (*doing)(const Due &),
                    void (*body)(const Due &), void (*note)(const Due &, const Error &)) {
    std::optional<Due> due;
    steps.run([&] { due = take(); });
    if (!due) return false;
    pg::report_activity("kpi_ext: " + doing(*due));
    try {
        const Limited limited(steps, pg::settings().check_timeout * 1000);
        steps.run([&] { body(*due); });
    } catch (const Error &error) {
        if (steps.gone()) throw;
        steps.run([&] { note(*due, error); });
    }
    return true;
}

bool run_next_publication(Steps &steps) {
    using monitor::Publication;
    return run_next_noted<Publication>(
        steps, monitor::take_due_publication,
        [](const Publication &due) { return "gauges for " + due.sink; }, monitor::push,
        monitor::note_failure);
}

bool run_next_history(Steps &steps) {
    using monitor::KeptHistory;
    return run_next_noted<KeptHistory>(
        steps, monitor::take_due_history,
        [](const KeptHistory &due) { return "keeping the history of " + due.key.metric; },
        monitor::record, monitor::note_failure);
}

bool run_next_announcement(Steps &steps) {
    bool ran = false;
    steps.run([&] { ran = reporting::settle_next_announcement(); });
    return ran;
}

constexpr std::array kChores = {
    Chore{"a check", run_next_check},
    Chore{"a probe", run_next_probe},
    Chore{"a job", run_next_job},
    Chore{"a publication", run_next_publication},
    Chore{"an announcement", run_next_announcement},
    Chore{"a history", run_next_history},
};

}  // namespace

bool Chores::run_one(int kind) {
    const auto place = size_t(kind);
    if (pg::ticks() < not_before_[place]) return false;
    try {
        const bool ran = kChores[place].run_next(steps_);
        failures_[place] = 0;
        return ran;
    } catch (const Error &error) {
        if (steps_.gone()) throw;
        not_before_[place] = pg::ticks() + backoff(++failures_[place]);
        if (worth_logging(failures_[place]))
            pg::log(pg::Level::warning,
                    fmt::format("{} of kpi_ext failed: {}", kChores[place].name, error.message),
                    error.detail, error.hint);
        return false;
    }
}

void Chores::run_due(bool (*go_on)()) {
    static_assert(kChores.size() == kKinds);
    bool ran = true;
    while (ran) {
        ran = false;
        for (int kind = 0; kind < kKinds; ++kind) {
            if (!go_on()) return;
            ran |= run_one(kind);
        }
    }
    forget_old();
    pg::report_activity({});
}

void Chores::forget_old() {
    if (pg::ticks() < forget_at_) return;
    forget_at_ = pg::ticks() + kForgetEvery;
    try {
        bool more = true;
        while (more)
            steps_.run([&] {
                more = monitor::forget_old_results();
                more |= monitor::forget_old_runs();
                more |= monitor::forget_old_history();
                more |= reporting::forget_old_reports();
                more |= reporting::forget_old_announcements();
            });
    } catch (const Error &error) {
        if (steps_.gone()) throw;
        pg::log(pg::Level::warning, "old results could not be deleted: " + error.message,
                error.detail, error.hint);
    }
}

}  // namespace kpi::worker
