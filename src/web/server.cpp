#include "web/server.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>

#include "core/error.hpp"
#include "web/log.hpp"
#include "web/openapi.hpp"
#include "web/questions.hpp"

namespace kpi::web {
namespace {

constexpr Milliseconds kPatience{10000}, kLook{20};

Question plain_summary() {
    Parameters none({});
    return summary_question(none);
}

// A connection needs a descriptor, and so do the files and the database.
void raise_limit(int clients) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, static_cast<rlim_t>(clients) + 512);
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < static_cast<rlim_t>(clients) + 512)
        log("the limit of open files allows fewer clients than KPIS_WEB_CLIENTS");
}

}  // namespace

Site::Site(const Settings &given)
    : settings(given),
      guard(given.tokens, given.secret),
      pages(given.page),
      openapi(std::make_shared<const Body>(openapi_text(), kJson)),
      pool(database, settings, stats),
      answers(pool, stats),
      hub(answers, stats, plain_summary()) {}

Server::Server(const Settings &settings)
    : settings_(settings),
      site_(settings),
      listener_(site_.database, settings, site_.hub),
      acceptor_(main_),
      patience_(main_) {}

Server::~Server() = default;

void Server::open() {
    Problem problem;
    const auto address = asio::ip::make_address(
        settings_.address == "localhost" ? "127.0.0.1" : settings_.address, problem);
    if (problem)
        throw Error("22023", "KPIS_WEB_LISTEN: \"" + settings_.address + "\" is no IP address");
    const tcp::endpoint door(address, settings_.port);
    const auto tried = [&](const char *what) {
        if (problem)
            throw Error("58000", std::string("cannot ") + what + " " + settings_.address + ":" +
                                     std::to_string(settings_.port) + ": " + problem.message());
    };
    acceptor_.open(door.protocol(), problem);
    tried("open");
    acceptor_.set_option(tcp::acceptor::reuse_address(true), problem);
    acceptor_.bind(door, problem);
    tried("bind to");
    acceptor_.listen(4096, problem);
    tried("listen on");
}

void Server::Worker::add(const std::shared_ptr<Session> &session) {
    sessions.push_back(session);
    if (sessions.size() < sweep_at) return;
    std::erase_if(sessions, [](const auto &one) { return one.expired(); });
    sweep_at = std::max<size_t>(64, sessions.size() * 2);
}

void Server::accept() {
    Worker &worker = *workers_[next_++ % workers_.size()];
    acceptor_.async_accept(worker.context, [this, &worker](Problem problem, tcp::socket socket) {
        if (stopping_) return;
        if (!problem) {
            welcome(worker, std::move(socket));
        } else if (problem != asio::error::operation_aborted) {
            // Out of descriptors, most likely: some will be free in a moment.
            log("cannot accept a connection: " + problem.message());
            patience_.expires_after(Milliseconds(100));
            return patience_.async_wait([this](Problem) { accept(); });
        }
        accept();
    });
}

void Server::welcome(Worker &worker, tcp::socket socket) {
    auto &count = site_.stats.connections;
    if (count.load() >= settings_.clients) {
        // Nothing is read: whoever floods us costs no more than this.
        static const std::string kFull =
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: "
            "0\r\nConnection: close\r\n\r\n";
        Problem ignored;
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(kFull), ignored);
        return;
    }
    count.fetch_add(1);
    std::shared_ptr<void> place(nullptr, [&count](void *) { count.fetch_sub(1); });
    auto session =
        std::make_shared<Session>(std::move(socket), site_, *worker.branch, std::move(place));
    asio::post(worker.context, [&worker, session = std::move(session)] {
        worker.add(session);
        session->start();
    });
}

void Server::run() {
    raise_limit(settings_.clients);
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const int count = settings_.threads > 0 ? settings_.threads : static_cast<int>(cores);
    std::vector<asio::executor_work_guard<asio::io_context::executor_type>> busy;
    busy.push_back(asio::make_work_guard(site_.database));
    for (int i = 0; i < count; ++i) {
        auto &worker = *workers_.emplace_back(std::make_unique<Worker>());
        worker.branch = std::make_unique<Branch>(worker.context, site_.stats, settings_.ping);
        busy.push_back(asio::make_work_guard(worker.context));
        site_.hub.add(*worker.branch);
    }
    asio::post(site_.database, [this] { listener_.start(); });
    asio::signal_set signals(main_, SIGTERM, SIGINT);
    signals.async_wait([this](Problem problem, int) {
        if (!problem) stop();
    });
    accept();
    // Signals arrive in the main thread's set, whichever thread the system picks.
    threads_.emplace_back([this] { site_.database.run(); });
    for (const auto &worker : workers_) threads_.emplace_back([&worker] { worker->context.run(); });
    main_.run();
    busy.clear();
    for (const auto &worker : workers_) worker->context.stop();
    site_.database.stop();
    for (std::thread &thread : threads_) thread.join();
}

void Server::stop() {
    log("stopping: no new connections, what was begun is finished");
    stopping_ = true;
    Problem ignored;
    acceptor_.close(ignored);
    for (const auto &worker : workers_)
        asio::post(worker->context, [&worker] {
            worker->branch->close();
            for (const auto &weak : worker->sessions)
                if (const auto session = weak.lock()) session->finish();
        });
    const auto until = Clock::now() + kPatience;
    const auto look = std::make_shared<std::function<void()>>();
    *look = [this, until, weak = std::weak_ptr(look)] {
        if (site_.stats.connections.load() == 0 || Clock::now() >= until) {
            asio::post(site_.database, [this] {
                listener_.close();
                site_.pool.close();
                asio::post(main_, [this] { main_.stop(); });
            });
            return;
        }
        patience_.expires_after(kLook);
        patience_.async_wait([again = weak.lock()](Problem) { (*again)(); });
    };
    (*look)();
}

}  // namespace kpi::web
