// The event streams of one web thread: an event is handed to the thread once, and from there to
// each of its clients. Used on that thread only.
#pragma once

#include <string>
#include <unordered_set>

#include "web/stream.hpp"

namespace kpi::web {

class Branch {
public:
    Branch(asio::io_context &context, Stats &stats, Milliseconds ping);

    void join(const StreamPtr &stream);
    void leave(const StreamPtr &stream);
    void send(const Bytes &bytes);
    void close();
    asio::io_context &context() { return context_; }
    Stats &stats() { return stats_; }

private:
    void ping();

    asio::io_context &context_;
    Stats &stats_;
    asio::steady_timer timer_;
    Milliseconds every_;
    std::unordered_set<StreamPtr> streams_;
    bool closed_ = false;
};

}  // namespace kpi::web
