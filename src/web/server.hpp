// Threads, the door, and the end: one context a core for connections, one for the database.
#pragma once

#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "web/listener.hpp"
#include "web/session.hpp"
#include "web/site.hpp"

namespace kpi::web {

class Server {
public:
    explicit Server(const Settings &settings);
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    ~Server();

    // Opens the door. Error 58000 when the address cannot be had.
    void open();
    uint16_t port() const { return acceptor_.local_endpoint().port(); }
    // Serves until SIGTERM or SIGINT, then finishes what was begun, for ten seconds at most.
    void run();

private:
    // A web thread with what lives on it.
    struct Worker {
        asio::io_context context{1};
        std::unique_ptr<Branch> branch;
        std::vector<std::weak_ptr<Session>> sessions;
        size_t sweep_at = 64;
        void add(const std::shared_ptr<Session> &session);
    };

    void accept();
    void welcome(Worker &worker, tcp::socket socket);
    void stop();

    const Settings &settings_;
    Site site_;
    Listener listener_;
    // Before main_: what it still holds at the end is a socket of one of them.
    std::vector<std::unique_ptr<Worker>> workers_;
    asio::io_context main_{1};
    tcp::acceptor acceptor_;
    asio::steady_timer patience_;
    std::vector<std::thread> threads_;
    size_t next_ = 0;
    bool stopping_ = false;
};

}  // namespace kpi::web
