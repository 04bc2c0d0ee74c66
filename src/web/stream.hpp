// A client of the event stream: what it is sent waits in a bounded queue, and one that does not
// read is dropped. Lives on one web thread, that of its Branch.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "web/asio.hpp"
#include "web/stats.hpp"

namespace kpi::web {

using Bytes = std::shared_ptr<const std::string>;

class Branch;

class Stream : public std::enable_shared_from_this<Stream> {
public:
    // `place`: held as long as the connection counts.
    Stream(tcp::socket socket, Branch &branch, std::shared_ptr<void> place);

    // The head of the answer goes first; the stream joins its branch when the hub says so.
    void start(const Bytes &head);
    void send(const Bytes &bytes);
    // What waits is sent, then the connection ends.
    void finish();
    void drop();
    bool is_open() const { return socket_.is_open(); }

private:
    void write();
    void watch();

    tcp::socket socket_;
    Branch &branch_;
    std::shared_ptr<void> place_;
    std::deque<Bytes> queue_;
    size_t waiting_ = 0;  // bytes
    bool writing_ = false, ending_ = false;
};

using StreamPtr = std::shared_ptr<Stream>;

}  // namespace kpi::web
