// The connections that answer: as many as KPIS_PG_POOL at most, opened when they are wanted. Who
// asks waits in a bounded queue for a bounded time. A reading question whose connection is lost is
// asked once more on another: a restart of the database loses no client. Used on the database
// thread only.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>

#include "web/link.hpp"
#include "web/stats.hpp"

namespace kpi::web {

class Pool {
public:
    Pool(asio::io_context &context, const Settings &settings, Stats &stats);

    void ask(Question question, Link::Replied done);
    // Rows go to the reader; `begun` gets the connection (to resume it). Not asked again when it
    // fails.
    void stream(Question question, std::shared_ptr<RowReader> rows,
                std::function<void(std::shared_ptr<Link>)> begun, Link::Replied done);
    void close();

private:
    struct Job {
        Question question;
        Link::Replied done;
        std::shared_ptr<RowReader> rows;
        std::function<void(std::shared_ptr<Link>)> begun;
        Clock::time_point until;
        bool was_lost = false;
    };
    using JobPtr = std::shared_ptr<Job>;
    using LinkPtr = std::shared_ptr<Link>;

    void enter(JobPtr job);
    void serve();
    void open_link();
    void opened(const LinkPtr &link, const Reply &reply);
    void rest(const LinkPtr &link);
    void run(const LinkPtr &link, const JobPtr &job);
    void run_step(const LinkPtr &link, const JobPtr &job, size_t step);
    void settle(const LinkPtr &link, const JobPtr &job, Reply reply);
    void drop(const LinkPtr &link);
    void tick();

    asio::io_context &context_;
    const Settings &settings_;
    Stats &stats_;
    asio::steady_timer timer_;
    std::deque<JobPtr> waiting_;
    std::set<LinkPtr> links_;
    std::deque<LinkPtr> idle_;
    int opening_ = 0, streams_ = 0;
    Clock::time_point next_try_{};
    Milliseconds pause_{100};
    bool closed_ = false, ticking_ = false;
    std::string last_problem_;
};

}  // namespace kpi::web
