#include "worker/helper_keeper.hpp"

#include <fmt/format.h>

#include "pg/sql.hpp"
#include "pg/waiter.hpp"
#include "worker/backoff.hpp"

namespace kpi::worker {
namespace {

// microseconds; one that lived this long has no failures behind it
constexpr int64_t kHealthy = 60'000'000;

struct Post {
    const char *name;
    const char *wanted;  // a row: there is something to do
    const char *idle;    // what does not happen while no process is free
    const char *who;     // which databases need one
};

constexpr Post kPosts[pg::kHelpers] = {
    {"courier", "SELECT 1 FROM kpi.sink LIMIT 1",
     "Messages wait; CALL kpi.work() delivers meanwhile.", "sinks"},
    {"steward",
     "SELECT 1 WHERE EXISTS (SELECT FROM kpi.check) OR EXISTS (SELECT FROM kpi.probe) OR EXISTS "
     "(SELECT FROM kpi.job) OR EXISTS (SELECT FROM kpi.publication_state) OR EXISTS (SELECT FROM "
     "kpi.history)",
     "Checks, probes, jobs, gauges and histories wait; CALL kpi.work() runs them meanwhile.",
     "checks, probes, jobs, gauges or histories"},
};

}  // namespace

bool HelperKeeper::wanted() {
    bool found = false;
    steps_.run([&] { found = bool(pg::value(kPosts[int(helper_)].wanted)); });
    return found;
}

void HelperKeeper::keep() {
    const int64_t now = pg::ticks();
    if (process_ && process_->stopped()) {
        process_->forget();
        process_.reset();
        if (now - started_at_ > kHealthy) failures_ = 0;
        due_ = now + backoff(++failures_);
    }
    if (process_ || pg::is_helper_seated(helper_) || now < due_ || !wanted()) return;
    process_ = pg::Process::start_helper(helper_);
    started_at_ = now;
    if (process_) return;
    due_ = now + backoff(++failures_);
    const Post &post = kPosts[int(helper_)];
    if (worth_logging(failures_))
        pg::log(pg::Level::warning,
                fmt::format("no free background worker for the kpi_ext {}", post.name), post.idle,
                fmt::format("Raise max_worker_processes: every database with {} uses one more.",
                            post.who));
}

}  // namespace kpi::worker
