// Boost.Asio as this room uses it: one context a thread, callbacks, no exceptions from operations.
#pragma once

#include <utility>
// Asio 1.74 uses std::exchange without naming its header.
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace kpi::web {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Problem = boost::system::error_code;
using Milliseconds = std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

}  // namespace kpi::web
