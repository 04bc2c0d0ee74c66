#include "worker/loop.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/error.hpp"
#include "core/pace.hpp"
#include "monitor/schedule/overdue.hpp"
#include "pg/doorbell.hpp"
#include "pg/process.hpp"
#include "pg/seats.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"
#include "worker/helper_keeper.hpp"
#include "worker/rounds.hpp"
#include "worker/steps.hpp"

namespace kpi::worker {
namespace {

constexpr int64_t kLongestWait = 5'000'000;  // microseconds, as all times here
// with nothing to do, when others wait for a process
constexpr int64_t kTurn = 3'000'000;
constexpr int64_t kLongTurn = 30'000'000;  // with work left, when others wait
// after a round that failed, or left something that must wait
constexpr int64_t kRetry = 1'000'000;
constexpr int64_t kWatchJobsEvery = 60'000'000;
constexpr int kFailedRounds = 10;

class Loop {
public:
    void run();

private:
    Rest round();
    void wait_for_work(Rest rest);
    int64_t answer_notify(int64_t now);
    bool must_yield(Rest rest) const;
    void watch_jobs();

    pg::Waiter waiter_;
    pg::LoopMemory memory_;
    Steps steps_;
    Rounds rounds_{steps_};
    // Not at once: what passed while nothing ran is entered first.
    int64_t watched_at_ = pg::ticks();
    int64_t started_at_ = pg::ticks();
    int64_t round_at_ = 0;
    Pace pace_;  // of rounds that were rung for
    int failures_ = 0;
    bool urgent_ = false;
    bool notified_ = false;  // NOTIFY kpi_refresh came and is not answered yet
    int64_t answered_at_ = 0;
    HelperKeeper helpers_[pg::kHelpers] = {{steps_, pg::Helper::courier},
                                           {steps_, pg::Helper::steward}};
};

// Anybody who may connect may NOTIFY: it asks for a round of everything once a kpi.notify_interval.
// When that is due, or long after now.
int64_t Loop::answer_notify(int64_t now) {
    if (steps_.take_doorbell()) notified_ = true;
    if (!notified_) return now + kLongestWait;
    const int64_t due = answered_at_ + int64_t(pg::settings().notify_interval) * 1'000'000;
    if (due > now) return due;
    notified_ = false;
    answered_at_ = now;
    urgent_ = true;
    return now;
}

// Until the next round is due: after a ring at once, unless rounds that were rung for have kept the
// worker busy and the deltas are few.
void Loop::wait_for_work(Rest rest) {
    for (;;) {
        const int64_t now = pg::ticks();
        int64_t due = round_at_ + (rest == Rest::drained ? kLongestWait : kRetry);
        due = std::min(due, answer_notify(now));
        if (rest == Rest::drained) due = std::min(due, rounds_.look_due());
        if (pg::is_rung_here())
            due = std::min(due, pace_.next(int64_t(pg::settings().merge_interval) * 1000));
        if (urgent_ || pg::deltas_rung() >= uint32_t(pg::settings().merge_threshold)) due = now;
        if (failures_ > 0) due = std::max(due, round_at_ + kRetry);
        if (due <= now) return;
        waiter_.wait((due - now + 999) / 1000);
    }
}

Rest Loop::round() {
    round_at_ = pg::ticks();
    const bool rung = pg::is_rung_here();
    const bool urgent = pg::begin_round().urgent || std::exchange(urgent_, false);
    const Rest rest = rounds_.run(urgent ? Demand::everything : Demand::timed);
    for (HelperKeeper &keeper : helpers_) keeper.keep();
    if (rung) pace_.ran(round_at_, pg::ticks());
    watch_jobs();
    pg::end_round(rest == Rest::drained ? pg::Outcome::drained : pg::Outcome::unfinished);
    failures_ = 0;
    return rest;
}

// Beside the process that runs them: who else would see that it does not?
void Loop::watch_jobs() {
    if (pg::ticks() - watched_at_ < kWatchJobsEvery) return;
    watched_at_ = pg::ticks();
    steps_.run([] { monitor::watch_jobs(); });
}

bool Loop::must_yield(Rest rest) const {
    if (pg::databases_waiting() == 0) return false;
    return pg::ticks() - started_at_ > (rest == Rest::unfinished ? kLongTurn : kTurn);
}

void Loop::run() {
    // The next ones have the settings of this worker.
    pg::ask_helpers_to_end();
    {
        pg::Transaction transaction;
        pg::listen_for_refresh();
        transaction.commit();
    }
    for (;;) {
        memory_.reset();
        Rest rest = Rest::blocked;
        try {
            rest = round();
        } catch (const Error &error) {
            if (steps_.gone()) {
                pg::leave_seat(pg::Leave::no_extension);
                return;
            }
            if (++failures_ >= kFailedRounds) throw;
            pg::log(pg::Level::log, "kpi_ext worker: a round failed: " + error.message,
                    error.detail, error.hint);
        }
        if (must_yield(rest)) {
            pg::leave_seat(pg::Leave::yielded);
            return;
        }
        if (rest != Rest::unfinished)
            wait_for_work(rest);
        else
            // latch, interrupts and configuration, between two rounds without a pause
            waiter_.wait(0);
    }
}

}  // namespace

void run_worker() {
    pg::take_worker_seat();
    Loop loop;
    loop.run();
}

}  // namespace kpi::worker
