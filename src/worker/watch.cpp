#include "worker/watch.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "monitor/incident/record.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "pg/waiter.hpp"

namespace kpi::worker {
namespace {

constexpr int64_t kSeldom = 60'000'000;
constexpr int64_t kOften = 1'000'000;
constexpr int64_t kNewsEvery = 200'000;
constexpr int kAttempts = 2;          // on one snapshot, while others write incidents
constexpr int64_t kMaking = 200'000;  // of a look, for outlooks: merges wait so long at most

}  // namespace

int64_t Watch::due() const {
    const int64_t next = changed_ ? pace_.next(kOften) : next_at_;
    return std::max(next, patience_.not_before);
}

monitor::Evaluated Watch::judge() {
    monitor::Evaluated done;
    const auto body = [&] {
        const pg::OuterSnapshot snapshot;
        done = monitor::evaluate_rules({pg::now()}, steps_.by_hand() ? INT64_MAX : kMaking);
    };
    for (int attempt = 0; attempt < kAttempts; ++attempt) try {
            steps_.run_on_one_snapshot(monitor::lock_rules, body);
            return done;
        } catch (const Error &error) {
            if (error.sqlstate != "40001" || steps_.gone()) throw;
        }
    // READ COMMITTED: then an error of this kind, which code of users can raise too, is of the rule
    // that has it.
    steps_.run(body);
    return done;
}

void Watch::look() {
    if (!shown_) (void)news();
    pg::report_activity("kpi_ext: looking at the rules");
    const int64_t began = pg::ticks();
    monitor::Evaluated done;
    int64_t wait = kSeldom;
    try {
        const Limited limited(steps_, patience_.allowance(pg::settings().source_timeout));
        done = judge();
        wait = std::clamp(done.next_change - pg::now(), kOften, kSeldom);
        patience_ = {};
        changed_ = done.postponed > 0;
    } catch (const Error &error) {
        if (steps_.gone()) throw;
        patience_.failed(pg::ticks(), pg::ticks() - began, error.sqlstate == "57014");
        if (worth_logging(patience_.failures))
            pg::log(pg::Level::warning, "the rules could not be judged: " + error.message,
                    error.detail, error.hint);
    }
    const int64_t ended = pg::ticks();
    looked_ = true;
    next_at_ = ended + wait;
    pace_.ran(began, ended);
}

int64_t Watch::news_due() const { return postponed_ ? news_pace_.next(kNewsEvery) : INT64_MAX; }

std::optional<int> Watch::news() {
    const int64_t began = pg::ticks();
    postponed_ = !looked_ && began < news_pace_.next(kNewsEvery);
    if (postponed_) return std::nullopt;
    monitor::Board board;
    steps_.run([&] { board = monitor::board(); });
    looked_ = false;
    news_pace_.ran(began, pg::ticks());
    const bool first = !shown_;
    if (shown_ == board.mark) return std::nullopt;
    shown_ = board.mark;
    return first ? std::nullopt : std::optional(board.firing);
}

}  // namespace kpi::worker
