// Many requests in flight on one thread, by libcurl's multi_socket interface. It never waits: its
// owner waits for sockets() and timeout() together with whatever else it waits for, then calls
// act().
//
// Redirects are not followed, proxies of the environment are not used, protocols are http, https,
// smtp and smtps, certificates are verified. Hosts are judged by Egress, addresses when the
// connection is made.
// libcurl starts threads that resolve names: signals are blocked around every call, so that those
// threads never run a handler of the server.
// Errors: only std::bad_alloc (start: nothing was started; finished: nothing was taken; never act,
// which fails the transfer instead) and, from the constructor, kpi::Error XX000. What goes wrong
// with a request is in its Response.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/socket_event.hpp"
#include "net/wire/egress.hpp"
#include "net/wire/http.hpp"

namespace kpi::net {

class Transfer;

class Multi {
public:
    explicit Multi(Egress egress);
    ~Multi();
    Multi(const Multi &) = delete;
    Multi &operator=(const Multi &) = delete;

    // `id` is the caller's and names the request in finished().
    void start(int64_t id, Request request, const Limits &limits);
    // What to wait for, and at most how long (milliseconds; -1: no limit). The version changes
    // whenever sockets() does.
    const std::vector<SocketEvent> &sockets() const { return sockets_; }
    uint64_t sockets_version() const { return version_; }
    int64_t timeout() const;
    // What has happened to the sockets since, perhaps nothing.
    void act(const std::vector<SocketEvent> &events);
    // Requests that have ended since the last call.
    std::vector<std::pair<int64_t, Response>> finished();
    size_t in_flight() const { return transfers_.size(); }

private:
    friend struct Callbacks;
    using Transfers = std::map<void *, std::unique_ptr<Transfer>>;  // by curl's handle

    Transfers::iterator end(Transfers::iterator transfer, int code);

    Egress egress_;
    void *multi_ = nullptr;
    Transfers transfers_;
    std::vector<SocketEvent> sockets_;
    uint64_t version_ = 0;
    int64_t deadline_ = -1;  // of curl's timer, steady clock, ms
    std::vector<std::pair<int64_t, Response>> finished_;
};

}  // namespace kpi::net
