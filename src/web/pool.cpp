#include "web/pool.hpp"

#include <algorithm>

#include "web/log.hpp"

namespace kpi::web {
namespace {

constexpr size_t kWaiting = 500;
constexpr Milliseconds kPatience{5000};  // in the queue, and for a second try
constexpr Milliseconds kLongestPause{2000};
constexpr Milliseconds kGrace{3000};  // beyond the statement timeout: then the server hangs
constexpr Milliseconds kStreamTime{600000};
constexpr Milliseconds kTick{50};

Reply refused(const char *sqlstate, std::string message) {
    Reply reply;
    reply.error = DatabaseError{sqlstate, std::move(message), ""};
    return reply;
}

}  // namespace

Pool::Pool(asio::io_context &context, const Settings &settings, Stats &stats)
    : context_(context), settings_(settings), stats_(stats), timer_(context) {}

void Pool::ask(Question question, Link::Replied done) {
    enter(std::make_shared<Job>(
        Job{std::move(question), std::move(done), nullptr, nullptr, Clock::now() + kPatience}));
}

void Pool::stream(Question question, std::shared_ptr<RowReader> rows,
                  std::function<void(std::shared_ptr<Link>)> begun, Link::Replied done) {
    // Slow readers of large files must leave connections to everybody else.
    if (streams_ >= std::max(1, settings_.pool / 3))
        return done(refused("53300", "too many exports at once"));
    ++streams_;
    enter(std::make_shared<Job>(Job{std::move(question),
                                    [this, done = std::move(done)](Reply reply) {
                                        --streams_;
                                        done(std::move(reply));
                                    },
                                    std::move(rows), std::move(begun), Clock::now() + kPatience}));
}

void Pool::enter(JobPtr job) {
    if (closed_) return job->done(refused("57P03", "kpi_web is stopping"));
    if (waiting_.size() >= kWaiting)
        return job->done(refused("53300", "too many questions at once"));
    waiting_.push_back(std::move(job));
    serve();
}

void Pool::serve() {
    while (!waiting_.empty() && !idle_.empty()) {
        const LinkPtr link = idle_.back();  // the warmest
        idle_.pop_back();
        const JobPtr job = waiting_.front();
        waiting_.pop_front();
        run(link, job);
    }
    const int wanted = static_cast<int>(waiting_.size()) - opening_;
    const int room = settings_.pool - static_cast<int>(links_.size());
    if (Clock::now() >= next_try_)
        // After a failure one goes ahead; the others follow when it is through.
        for (int i = std::min({wanted, room, pause_ > Milliseconds(100) ? 1 - opening_ : room});
             i > 0; --i)
            open_link();
    if (!waiting_.empty() && !ticking_) tick();
}

void Pool::tick() {
    ticking_ = true;
    timer_.expires_after(kTick);
    timer_.async_wait([this](Problem problem) {
        ticking_ = false;
        if (problem) return;
        const auto now = Clock::now();
        while (!waiting_.empty() && waiting_.front()->until <= now) {
            const JobPtr job = waiting_.front();
            waiting_.pop_front();
            job->done(last_problem_.empty() ? refused("53300", "all connections are busy")
                                            : refused("08006", "the database is away"));
        }
        serve();
    });
}

void Pool::open_link() {
    const auto link = std::make_shared<Link>(context_, settings_);
    links_.insert(link);
    ++opening_;
    link->connect([this, link](const Reply &reply) { opened(link, reply); });
}

void Pool::opened(const LinkPtr &link, const Reply &reply) {
    --opening_;
    if (!reply.error) {
        if (!last_problem_.empty()) log("the database is back");
        last_problem_.clear();
        pause_ = Milliseconds(100);
        return rest(link);
    }
    if (reply.error->message != last_problem_)
        log("cannot connect to the database: " + reply.error->message);
    last_problem_ = reply.error->message;
    pause_ = std::min(pause_ * 2, kLongestPause);
    next_try_ = Clock::now() + pause_ / 2;
    drop(link);
}

void Pool::rest(const LinkPtr &link) {
    // An answer and the end of its connection may arrive as one.
    if (closed_ || !link->watch(nullptr, [this, link] { drop(link); })) return drop(link);
    idle_.push_back(link);
    serve();
}

void Pool::drop(const LinkPtr &link) {
    link->close();
    links_.erase(link);
    idle_.erase(std::remove(idle_.begin(), idle_.end(), link), idle_.end());
    serve();
}

void Pool::run(const LinkPtr &link, const JobPtr &job) {
    stats_.queries.fetch_add(1, std::memory_order_relaxed);
    if (job->begun) job->begun(link);
    run_step(link, job, 0);
}

// The statements before, the question, and the end of its transaction.
void Pool::run_step(const LinkPtr &link, const JobPtr &job, size_t step) {
    const auto &before = job->question.before;
    const Milliseconds limit = settings_.statement_timeout + kGrace;
    const auto answered = [=, this](Reply reply) {
        if (before.empty() || !link->is_open()) return settle(link, job, std::move(reply));
        link->ask({reply.error ? "ROLLBACK" : "COMMIT", {}, {}, false}, limit,
                  [=, this, first = reply](const Reply &last) {
                      settle(link, job, last.error && !first.error ? last : first);
                  });
    };
    if (step < before.size())
        return link->ask({before[step], {}, {}, false}, limit, [=, this](Reply reply) {
            if (reply.error) return answered(std::move(reply));
            run_step(link, job, step + 1);
        });
    link->ask(job->question, job->rows ? kStreamTime : limit, answered, job->rows);
}

void Pool::settle(const LinkPtr &link, const JobPtr &job, Reply reply) {
    // Where one connection is lost those at rest seldom are better: what is asked again goes to one
    // that is made after the loss.
    if (reply.error && reply.error->is_lost())
        for (const LinkPtr &old : std::exchange(idle_, {})) {
            old->close();
            links_.erase(old);
        }
    if (!link->is_open())
        drop(link);
    else
        rest(link);
    const bool again = reply.error && reply.error->is_lost() && !job->question.writes &&
                       !job->rows && !job->was_lost && !closed_;
    if (!again) return job->done(std::move(reply));
    job->was_lost = true;
    job->until = Clock::now() + kPatience;
    waiting_.push_back(job);
    serve();
}

void Pool::close() {
    closed_ = true;
    timer_.cancel();
    for (const JobPtr &job : std::exchange(waiting_, {}))
        job->done(refused("57P03", "kpi_web is stopping"));
    idle_.clear();
    for (const LinkPtr &link : std::exchange(links_, {})) link->close();
}

}  // namespace kpi::web
