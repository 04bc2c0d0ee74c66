// Requests in libcurl's hands, against a server on this machine's loopback: kept connections that
// stop answering, and memory that is refused at every step.
#include "net/wire/multi.hpp"

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// Of this thread, how many more times memory is given. The server and libcurl have their own.
thread_local int64_t memory_left = std::numeric_limits<int64_t>::max();

}  // namespace

[[gnu::noinline]] void *operator new(size_t bytes) {
    if (--memory_left < 0) throw std::bad_alloc();
    if (void *memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
    throw std::bad_alloc();
}
// All of a family: memory of one that a sanitizer provides must not come to one of ours.
[[gnu::noinline]] void *operator new(size_t bytes, const std::nothrow_t &) noexcept {
    return --memory_left < 0 ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
}
[[gnu::noinline]] void operator delete(void *memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void *memory, const std::nothrow_t &) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void *memory, size_t) noexcept { std::free(memory); }

namespace kpi::net {
namespace {

constexpr int64_t kPlenty = std::numeric_limits<int64_t>::max();

// Answers one connection after the other, each request at once; on a connection that has had
// `answers` requests it reads on and says nothing.
class Server {
public:
    explicit Server(int answers) : answers_(answers) {
        listener_ = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr *>(&address), size), 0);
        EXPECT_EQ(listen(listener_, 16), 0);
        getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size);
        url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
        thread_ = std::thread([this] { serve(); });
    }
    ~Server() {
        shutdown(listener_, SHUT_RDWR);
        thread_.join();
        close(listener_);
    }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    const std::string &url() const { return url_; }
    int connections() const { return connections_; }

private:
    void serve() {
        int connection = 0;
        while ((connection = accept(listener_, nullptr, nullptr)) >= 0) {
            ++connections_;
            converse(connection);
            close(connection);
        }
    }
    void converse(int connection) const {
        const std::string body(3000, 'x');
        const std::string answer =
            "HTTP/1.1 200 OK\r\nX-Long-Header-That-Needs-Memory: " + std::string(100, 'y') +
            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        std::string seen;
        char part[4096];
        ssize_t bytes = 0;
        for (int requests = 0; (bytes = read(connection, part, sizeof part)) > 0;) {
            seen.append(part, size_t(bytes));
            if (!seen.ends_with("{}")) continue;
            seen.clear();
            if (++requests <= answers_ &&
                send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0)
                return;
        }
    }

    int answers_, listener_;
    std::atomic<int> connections_ = 0;
    std::string url_;
    std::thread thread_;
};

Request request_to(const std::string &url) {
    Request request;
    request.url = url;
    request.headers = {{"X-Of-The-Request-And-Long", std::string(50, 'z')}};
    request.body = "{}";
    return request;
}

void wait_for(const Multi &multi) {
    std::vector<pollfd> files;
    for (const SocketEvent &event : multi.sockets())
        files.push_back({event.socket,
                         short((event.readable ? POLLIN : 0) | (event.writable ? POLLOUT : 0)), 0});
    const int64_t most = multi.timeout();
    poll(files.data(), files.size(), most < 0 ? 100 : int(std::min<int64_t>(most, 100)));
}

std::vector<SocketEvent> all_of(const Multi &multi) { return multi.sockets(); }

std::vector<std::pair<int64_t, Response>> complete(Multi &multi) {
    std::vector<std::pair<int64_t, Response>> ended;
    while (ended.empty()) {
        wait_for(multi);
        multi.act(all_of(multi));
        ended = multi.finished();
    }
    return ended;
}

// One request with memory that ends after `steps` allocations. Whether it was all that was needed.
bool with_memory(const std::string &url, int64_t steps) {
    Multi multi(Egress("127.0.0.1"));
    Request request = request_to(url);
    int64_t left = steps;
    // What the test itself needs is not counted.
    const auto short_of = [&](auto action) {
        memory_left = left;
        try {
            action();
        } catch (const std::bad_alloc &) {
            left = memory_left = kPlenty;
            return false;
        }
        left = memory_left < 0 ? kPlenty : memory_left;
        memory_left = kPlenty;
        return true;
    };
    if (!short_of([&] { multi.start(7, std::move(request), Limits()); })) {
        EXPECT_EQ(multi.in_flight(), 0U);
        return false;
    }
    std::vector<std::pair<int64_t, Response>> ended;
    bool enough = true;
    while (ended.empty()) {
        wait_for(multi);
        const std::vector<SocketEvent> events = all_of(multi);
        EXPECT_TRUE(short_of([&] { multi.act(events); })) << "act throws nothing";
        enough = short_of([&] { ended = multi.finished(); }) && enough;
    }
    EXPECT_EQ(multi.in_flight(), 0U);
    EXPECT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].first, 7);
    const Response &response = ended[0].second;
    if (response.fault == Fault::none) {
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body.size(), 3000U);
        return enough && left != kPlenty;
    }
    EXPECT_EQ(response.fault, Fault::memory) << response.error;
    EXPECT_EQ(response.error, "out of memory");
    return false;
}

}  // namespace

TEST(Multi, MemoryThatEndsAtAnyStepFailsTheTransferAlone) {
    Server server(1);
    int64_t steps = 0;
    while (steps < 1000 && !with_memory(server.url(), steps)) ++steps;
    EXPECT_GT(steps, 10);
    EXPECT_LT(steps, 1000);
}

TEST(Multi, AnAnswerThatDoesNotComeOnAKeptConnectionIsNotCalledAMissingConnection) {
    Server server(1);
    Multi multi(Egress("127.0.0.1"));
    multi.start(1, request_to(server.url()), Limits());
    EXPECT_EQ(complete(multi)[0].second.status, 200);
    Limits limits;
    limits.total_timeout = 300;
    multi.start(2, request_to(server.url()), limits);
    const Response response = complete(multi)[0].second;
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(response.fault, Fault::timeout);
    EXPECT_EQ(response.error, "no complete answer within 300 ms");
}

}  // namespace kpi::net
