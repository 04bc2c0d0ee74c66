#include "web/branch.hpp"

#include <vector>

namespace kpi::web {

Branch::Branch(asio::io_context &context, Stats &stats, Milliseconds ping_every)
    : context_(context), stats_(stats), timer_(context), every_(ping_every) {
    ping();
}

void Branch::ping() {
    timer_.expires_after(every_);
    timer_.async_wait([this](Problem problem) {
        if (problem) return;
        send(std::make_shared<const std::string>(": ping\n\n"));
        ping();
    });
}

void Branch::join(const StreamPtr &stream) {
    if (!stream->is_open()) return;
    if (closed_) return stream->finish();
    if (streams_.insert(stream).second) stats_.streams.fetch_add(1, std::memory_order_relaxed);
}

void Branch::leave(const StreamPtr &stream) {
    if (streams_.erase(stream) > 0) stats_.streams.fetch_sub(1, std::memory_order_relaxed);
}

void Branch::send(const Bytes &bytes) {
    // A slow client leaves while it is being sent to.
    const std::vector<StreamPtr> all(streams_.begin(), streams_.end());
    for (const StreamPtr &stream : all) stream->send(bytes);
    stats_.events.fetch_add(all.size(), std::memory_order_relaxed);
}

void Branch::close() {
    closed_ = true;
    timer_.cancel();
    const std::vector<StreamPtr> all(streams_.begin(), streams_.end());
    for (const StreamPtr &stream : all) stream->finish();
}

}  // namespace kpi::web
