#include "worker/launcher.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "pg/enrolment.hpp"
#include "pg/process.hpp"
#include "pg/seats.hpp"
#include "pg/settings.hpp"
#include "pg/slots.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"
#include "worker/backoff.hpp"

namespace kpi::worker {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kLookEvery = 5 * kSecond;  // when nobody rings
// a worker that lived this long has no failures behind it
constexpr int64_t kHealthy = 60 * kSecond;
// a database nobody rang for is looked at this often
constexpr int64_t kTurnWithoutRing = 60 * kSecond;
constexpr int64_t kComplainEvery = 300 * kSecond;

// What the launcher knows about one database.
struct Desk {
    std::string name, settings;
    std::optional<pg::Process> process;
    bool wanted = false;
    bool ending = false;   // told to end
    bool missing = false;  // its worker found no extension
    bool yielded = false;  // its worker made room: no hurry without a ring
    int failures = 0;
    int64_t started_at = 0;
    int64_t served_at = 0;  // when its last worker ended
    int64_t not_before = 0;
};

class Launcher {
public:
    void tick();
    int64_t sleep_until() const;

private:
    using Desks = std::map<uint32_t, Desk>;

    void look();
    void settle(uint32_t database, Desk &desk, int64_t now);
    void end_unwanted();
    void start_workers(int64_t now);
    bool is_due(uint32_t database, const Desk &desk, int64_t now) const;
    void complain(const std::string &database, pg::Refusal why);

    Desks desks_;
    int64_t complained_at_ = 0;
};

// Reads who wants a worker. Settings changed: the running worker ends, and the next one has the new
// ones.
void Launcher::look() {
    std::vector<pg::Enrolled> enrolled;
    {
        pg::Transaction transaction;
        enrolled = pg::enrolled_databases();
        transaction.commit();
    }
    for (auto &[database, desk] : desks_) desk.wanted = false;
    for (pg::Enrolled &entry : enrolled) {
        if (!pg::assign_slot(entry.database)) {
            complain(entry.name, pg::Refusal::slots);
            continue;
        }
        Desk &desk = desks_[entry.database];
        desk.wanted = true;
        desk.name = std::move(entry.name);
        if (desk.settings == entry.settings) continue;
        desk.settings = std::move(entry.settings);
        if (!desk.process || desk.ending) continue;
        desk.process->terminate();
        desk.ending = true;
    }
}

// A worker has ended: decides when the next one may start.
void Launcher::settle(uint32_t database, Desk &desk, int64_t now) {
    desk.process->forget();
    desk.process.reset();
    desk.served_at = now;
    desk.missing = desk.yielded = false;
    const bool asked = std::exchange(desk.ending, false);
    switch (pg::take_leave(database)) {
        case pg::Leave::yielded:
            desk.yielded = true;
            desk.failures = 0;
            desk.not_before = now;
            return;
        case pg::Leave::no_extension:
            desk.missing = true;
            break;
        case pg::Leave::failed:
            if (asked) {
                desk.not_before = now;
                return;
            }
            break;
    }
    if (!desk.missing && now - desk.started_at > kHealthy) desk.failures = 0;
    desk.not_before = now + backoff(++desk.failures);
}

void Launcher::end_unwanted() {
    for (auto it = desks_.begin(); it != desks_.end();) {
        Desk &desk = it->second;
        if (!desk.wanted && !desk.process) {
            pg::free_slot(it->first);
            it = desks_.erase(it);
            continue;
        }
        if (!desk.wanted && !desk.ending) {
            desk.process->terminate();
            desk.ending = true;
        }
        ++it;
    }
}

bool Launcher::is_due(uint32_t database, const Desk &desk, int64_t now) const {
    if (!desk.wanted || desk.process || pg::is_seated(database)) return false;
    const bool rung = pg::is_rung(database);
    // CREATE EXTENSION rings: no reason to wait longer.
    if (desk.missing && rung) return true;
    if (now < desk.not_before) return false;
    return rung || !desk.yielded || now - desk.served_at >= kTurnWithoutRing;
}

void Launcher::complain(const std::string &database, pg::Refusal why) {
    const int64_t now = pg::ticks();
    if (complained_at_ != 0 && now - complained_at_ < kComplainEvery) return;
    complained_at_ = now;
    const char *detail =
        "Databases take turns until one is free; CALL kpi.work() serves meanwhile.";
    const char *hint =
        "Raise max_worker_processes: the launcher and every database with the extension use one.";
    if (why == pg::Refusal::max_workers)
        hint = "Raise kpi.max_workers: every database with the extension uses one.";
    if (why == pg::Refusal::slots) {
        detail = "1024 databases have a worker already.";
        hint = "Schedule CALL kpi.work() in the others.";
    }
    pg::log(pg::Level::warning,
            fmt::format("no free background worker for kpi_ext in database \"{}\"", database),
            detail, hint);
}

void Launcher::start_workers(int64_t now) {
    std::vector<std::pair<int64_t, uint32_t>> due;
    int running = 0;
    for (const auto &[database, desk] : desks_) {
        if (desk.process) ++running;
        // The longest unserved first; a ring counts for ten seconds, so that nobody starves.
        if (is_due(database, desk, now))
            due.emplace_back(desk.served_at - (pg::is_rung(database) ? 10 * kSecond : 0), database);
    }
    std::sort(due.begin(), due.end());
    uint32_t waiting = 0;
    auto refusal = pg::Refusal::none;
    for (const auto &[order, database] : due) {
        Desk &desk = desks_[database];
        if (refusal == pg::Refusal::none && running >= pg::settings().max_workers)
            refusal = pg::Refusal::max_workers;
        if (refusal == pg::Refusal::none) {
            desk.process = pg::Process::start(database, desk.name);
            if (!desk.process) refusal = pg::Refusal::max_worker_processes;
        }
        if (refusal == pg::Refusal::none) {
            desk.started_at = now;
            ++running;
            continue;
        }
        if (waiting++ == 0) complain(desk.name, refusal);
    }
    pg::report_waiting(waiting, refusal);
}

void Launcher::tick() {
    const int64_t now = pg::ticks();
    look();
    for (auto &[database, desk] : desks_)
        if (desk.process && desk.process->stopped()) settle(database, desk, now);
    // A worker of an earlier launcher that was still starting when that one ended.
    for (auto &[database, desk] : desks_)
        if (!desk.process && pg::is_seated(database)) pg::end_worker(database);
    end_unwanted();
    start_workers(now);
}

int64_t Launcher::sleep_until() const {
    const int64_t now = pg::ticks();
    int64_t wake = now + kLookEvery;
    for (const auto &[database, desk] : desks_)
        if (!desk.process && pg::is_seated(database))
            wake = std::min(wake, now + kSecond);
        else if (!desk.process && desk.not_before > now)
            wake = std::min(wake, desk.not_before);
    return wake;
}

}  // namespace

void run_launcher() {
    pg::take_launcher_seat();
    pg::end_all_workers();
    pg::Waiter waiter;
    pg::LoopMemory memory;
    Launcher launcher;
    for (;;) {
        launcher.tick();
        memory.reset();
        waiter.wait((launcher.sleep_until() - pg::ticks()) / 1000 + 1);
    }
}

}  // namespace kpi::worker
