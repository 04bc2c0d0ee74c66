#include "web/stream.hpp"

#include "web/branch.hpp"

namespace kpi::web {
namespace {

constexpr size_t kWaiting = 1 << 20;
constexpr size_t kAtOnce = 16;
// What the system may hold for a client that does not read counts too.
constexpr int kSendBuffer = 128 << 10;

}  // namespace

Stream::Stream(tcp::socket socket, Branch &branch, std::shared_ptr<void> place)
    : socket_(std::move(socket)), branch_(branch), place_(std::move(place)) {}

void Stream::start(const Bytes &head) {
    Problem ignored;
    socket_.set_option(asio::socket_base::send_buffer_size(kSendBuffer), ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
    send(head);
    watch();
}

// A client says nothing any more; that it went shows as readable.
void Stream::watch() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](Problem problem) {
        if (problem || !self->socket_.is_open()) return;
        char scrap[256];
        const size_t read = self->socket_.read_some(asio::buffer(scrap), problem);
        if (problem && problem != asio::error::would_block) return self->drop();
        if (read == 0 && !problem) return self->drop();
        self->watch();
    });
}

void Stream::send(const Bytes &bytes) {
    if (!socket_.is_open() || ending_) return;
    if (waiting_ + bytes->size() > kWaiting) {
        branch_.stats().dropped.fetch_add(1, std::memory_order_relaxed);
        return drop();
    }
    waiting_ += bytes->size();
    queue_.push_back(bytes);
    if (!writing_) write();
}

void Stream::write() {
    std::vector<asio::const_buffer> buffers;
    for (size_t i = 0; i < queue_.size() && i < kAtOnce; ++i)
        buffers.push_back(asio::buffer(*queue_[i]));
    if (buffers.empty()) {
        if (ending_) drop();
        return;
    }
    writing_ = true;
    asio::async_write(
        socket_, buffers,
        [self = shared_from_this(), count = buffers.size()](Problem problem, size_t size) {
            self->writing_ = false;
            if (problem) return self->drop();
            self->waiting_ -= size;
            self->queue_.erase(self->queue_.begin(),
                               self->queue_.begin() + static_cast<long>(count));
            self->write();
        });
}

void Stream::finish() {
    ending_ = true;
    if (!writing_) write();
}

void Stream::drop() {
    Problem ignored;
    socket_.close(ignored);
    if (!writing_) queue_.clear();
    place_.reset();
    branch_.leave(shared_from_this());
}

}  // namespace kpi::web
