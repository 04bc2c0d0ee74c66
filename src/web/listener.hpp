// LISTEN kpi_update on a connection of its own, renewed whenever it is lost. Where LISTEN is
// refused (a hot standby) it says every five seconds that anything may have changed. On the
// database thread.
#pragma once

#include <memory>

#include "web/hub.hpp"
#include "web/link.hpp"

namespace kpi::web {

class Listener {
public:
    Listener(asio::io_context &context, const Settings &settings, Hub &hub);
    void start();
    void close();

private:
    void listen();
    void listening(const Reply &reply);
    bool watch();
    void later(Milliseconds pause, void (Listener::*next)());
    void poll();
    void lost();

    asio::io_context &context_;
    const Settings &settings_;
    Hub &hub_;
    asio::steady_timer timer_;
    std::shared_ptr<Link> link_;
    Milliseconds pause_{100};
    bool closed_ = false;
};

}  // namespace kpi::web
